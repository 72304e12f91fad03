"""A worker whose engine is slow and known: `celery -A tests.integration.jobs.chaos_app worker`."""

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
django.setup()

import fiu.celery  # noqa: E402, F401  # what our workers do as they start and end
from tests.integration.jobs.support import slow_engine  # noqa: E402
from tracing import runner  # noqa: E402

STEPS = 20
SECONDS = 0.04

app = Celery("chaos")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="tracing.run")
def run(run_id: int) -> None:
    runner.run(run_id, slow_engine(STEPS, SECONDS))
