"""`python -m tests.integration.backup_hands seed | write | count`: hands in an installation."""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
django.setup()

from django.db import connection  # noqa: E402

from cases.services.cases import open_case  # noqa: E402
from cases.services.evidence import acquire_evidence  # noqa: E402
from cases.services.instruments import UploadedBytes  # noqa: E402
from fiu.chaos.world import World, ask_trace, make_world, order_hold  # noqa: E402
from fiu.models import User  # noqa: E402
from tests.casework import make_actor  # noqa: E402
from tracing import jobs  # noqa: E402
from tracing.models import TraceRun  # noqa: E402


def acquire(world: World, number: int) -> None:
    acquire_evidence(
        world.case, document=UploadedBytes(f"letter-{number}.pdf", b"%PDF-1.7\n" + bytes([number])),
        kind="document", title="Letter", source="Portal", source_grade="A",
        information_grade="1", by=world.analyst,
    )  # fmt: skip


def seed() -> None:
    world = make_world(7, transactions=400)
    for number in range(2):
        ask_trace(world, number)
        acquire(world, number)
    order_hold(world, 0)
    for run in TraceRun.objects.all():
        jobs.carry_now(run.public_id)


def write() -> None:
    """Cases without end, each with an exhibit: what a busy house does while it is copied."""
    by = make_actor(User.objects.get(username="trial-analyst"))
    number = 0
    while True:
        number += 1
        case = open_case(title=f"Case {number}", case_type="darknet", priority="P2", by=by)
        acquire(World(case, by, by, ()), number % 250)
        print(number, flush=True)


def count() -> dict[str, int]:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608
            found[table] = cursor.fetchone()[0]
    return found


if __name__ == "__main__":
    {"seed": seed, "write": write, "count": lambda: print(json.dumps(count()))}[sys.argv[1]]()
