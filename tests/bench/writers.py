"""How fast the audit chain takes events, and whether writers ever find SQLite locked.

`python -m tests.bench.writers [--events 10000]`: one writer alone, one transaction an event; four
at once in processes of their own; then every chain is verified. On a SQLite of its own, or on the
empty database that FIU_DATABASE_URL names. Ends with 1 when an event was refused or a chain broke.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from time import perf_counter

WRITERS = 4
ALONE = 1_000


def write(case_number: int, num_events: int) -> dict[str, float]:
    """Add events to one case; seconds in all and of the slowest, and how many were refused."""
    case = Case.objects.order_by("pk")[case_number]
    slowest, num_refused, begun = 0.0, 0, perf_counter()
    for _ in range(num_events):
        at = perf_counter()
        try:
            with transaction.atomic():
                record_event(lock_case(case.pk), "edit_case", "bench", by=SYSTEM)
        except OperationalError:
            num_refused += 1
        slowest = max(slowest, perf_counter() - at)
    return {"seconds": perf_counter() - begun, "slowest": slowest, "refused": num_refused}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--writer", type=int, help="be one of the four")
    options = parser.parse_args()
    if options.writer is not None:
        print(json.dumps(write(options.writer, options.events // WRITERS)))
        return 0
    for command in ("migrate", "install_guards"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    user = User.objects.create(username="bench", email="bench@x.example", role="analyst")
    by = Actor(user.pk, Role.ANALYST)
    for number in range(WRITERS):
        open_case(title=f"{number}", case_type="darknet", priority="P2", by=by)
    alone = write(0, ALONE)
    begun = perf_counter()
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "--writer", str(number), "--events",
             str(options.events)],
            stdout=subprocess.PIPE, text=True,
        )
        for number in range(WRITERS)
    ]  # fmt: skip
    told = [json.loads(each.communicate()[0]) for each in writers]
    together = perf_counter() - begun
    begun = perf_counter()
    report = verify_chains()
    verified = perf_counter() - begun
    refused = alone["refused"] + sum(each["refused"] for each in told)
    print(
        f"{connection.vendor}: one writer {ALONE / alone['seconds']:.0f} events/s;"
        f" {WRITERS} writers {options.events / together:.0f} events/s with their start,"
        f" {refused:.0f} refused, slowest {max(each['slowest'] for each in told):.2f} s;"
        f" verified {report.num_events / verified:.0f} events/s, {len(report.breaks)} breaks"
    )
    return int(bool(refused or report.breaks))


if __name__ == "__main__" and "DJANGO_SETTINGS_MODULE" not in os.environ:
    database = os.environ.get("FIU_DATABASE_URL", "")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-bench-") as home:
        settings = {
            "FIU_HOME": home, "FIU_DATABASE_URL": database, "FIU_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "fiu.settings",
        }  # fmt: skip
        done = subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:]],
                              env={**clean, **settings}, check=False)  # fmt: skip
    sys.exit(done.returncode)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import OperationalError, connection, transaction  # noqa: E402

from cases.models import Case  # noqa: E402
from cases.policy import SYSTEM, Actor, Role  # noqa: E402
from cases.services.audit import record_event, verify_chains  # noqa: E402
from cases.services.cases import open_case  # noqa: E402
from cases.services.locks import lock_case  # noqa: E402
from fiu.models import User  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
