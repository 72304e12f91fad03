"""`python -m tests.integration.jobs.chaos seed 30 | state`: a worker test's hands in its home."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.integration.jobs.chaos_app import STEPS  # noqa: E402
from tests.integration.jobs.support import expected_digest, queued  # noqa: E402
from tracing.models import TraceResult, TraceRun  # noqa: E402


def seed(number: int) -> None:
    for app in ("fiu", "tracing"):  # all that runs need: a third of the whole set-up
        call_command("migrate", app, verbosity=0)
    for index in range(number):
        queued(index)


def state() -> dict[str, object]:
    runs = list(TraceRun.objects.all())
    results = {result.run_id: result.result_sha256 for result in TraceResult.objects.all()}
    found: dict[str, object] = {
        "states": {run.pk: run.state for run in runs},
        "attempts": sum(run.attempt for run in runs),
        "wrong": [run.pk for run in runs if results.get(run.pk) != expected_digest(run, STEPS)],
        "results": len(results),
    }
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            found["integrity"] = cursor.fetchone()[0]
    return found


if __name__ == "__main__":
    if sys.argv[1] == "seed":
        seed(int(sys.argv[2]))
    print(json.dumps(state()))
