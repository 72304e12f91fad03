"""The Celery application. A message is only a hint: the rows in the database are the truth."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_shutting_down

from cases.acting import let_process_act_as_system
from fiu import broker
from tracing.stopping import ask_to_stop

broker.install()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")

app = Celery("fiu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody answers this: the settings configure it."""


@worker_init.connect
def work_for_the_installation(**_: Any) -> None:
    """A worker has no request: what it does is the installation's own work."""
    let_process_act_as_system()


@worker_shutting_down.connect
def give_runs_back(**_: Any) -> None:
    """SIGTERM: runs save, go back to the queue and keep their try (J6)."""
    ask_to_stop()
