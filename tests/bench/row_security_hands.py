"""The installation of `tests.bench.row_security`: fills it, asks, prints."""

# ruff: noqa: S608  # every name in this SQL is a constant of this module

import os
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import django
import psycopg2.extensions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from cases.acting import acting_as, let_process_act_as_system  # noqa: E402
from cases.guards import install_guards, install_policies, remove_guards  # noqa: E402
from cases.guards.row_security import remove_row_security  # noqa: E402
from cases.models import AuditEvent, Case, Wallet  # noqa: E402
from cases.policy import Actor, Role  # noqa: E402
from fiu.models import User  # noqa: E402
from fiu.postgresql.base import ActingCursor  # noqa: E402
from fiu.roles import grant_house, make_role  # noqa: E402

ROUNDS, WARM_UP = 300, 20
ME = Actor(user_id=1, role=Role.ANALYST)
HOUSE = "bench_house"
ANY_VALUE = {
    "bigint": "2", "integer": "1", "smallint": "1", "boolean": "false", "jsonb": "'[]'",
    "timestamp with time zone": "now()", "uuid": "gen_random_uuid()", "date": "now()",
    "numeric": "1",
}  # fmt: skip


def fill(num_cases: int) -> None:
    """One case in thirty is the whole unit's, the rest are somebody's team; 5 wallets each."""
    given = {
        "cases_case": {
            "reference": "'CASE-2026-' || n", "updated_at": "now() - n * interval '1 minute'",
            "visibility": "CASE WHEN n % 30 = 0 THEN 'unit' ELSE 'team' END",
            "state": "'investigating'",
        },
        "cases_caseaccess": {"case_id": "n", "level": "'lead'"},
        "cases_wallet": {"case_id": f"n % {num_cases} + 1", "address": "'a' || n"},
        "cases_auditevent": {"case_id": f"n % {num_cases} + 1", "seq": "n", "data": "'{}'"},
    }  # fmt: skip
    for number in (1, 2):
        User.objects.create(pk=number, username=f"u{number}", role="analyst")
    with connection.cursor() as cursor:
        for table, values in given.items():
            rows = num_cases * (5 if table in ("cases_wallet", "cases_auditevent") else 1)
            cursor.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name"
                " = %s AND is_nullable = 'NO' AND is_identity = 'NO' AND table_schema = 'public'",
                [table],
            )
            wanted = {name: ANY_VALUE.get(kind, "''") for name, kind in cursor.fetchall()} | values
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(wanted)}) SELECT {', '.join(wanted.values())}"
                f" FROM generate_series(1, {rows}) n"
            )
        cursor.execute("ANALYZE")


def median(work: Callable[[], Any]) -> float:
    """Milliseconds; the first rounds are left out."""
    times = []
    for _ in range(ROUNDS + WARM_UP):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return statistics.median(times[WARM_UP:]) * 1000


def queries() -> dict[str, Callable[[], Any]]:
    mine = Case.objects.visible_to(ME).order_by("pk")[50]
    cases, wallets = Case.objects.visible_to(ME), Wallet.objects.visible_to(ME)
    events = AuditEvent.objects.visible_to(ME).filter(case=mine)
    return {
        "a case by its address": lambda: list(cases.filter(public_id=mine.public_id)),
        "a page of the case list": lambda: list(cases.order_by("-updated_at")[:50]),
        "the wallets of a case": lambda: list(wallets.filter(case=mine)),
        "the events of a case": lambda: list(events.order_by("-seq")[:50]),
        "a person (no policy)": lambda: list(User.objects.filter(pk=1)),
    }


def become(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")


def main(num_cases: int) -> None:
    let_process_act_as_system()
    call_command("migrate", verbosity=0, interactive=False)
    remove_guards()
    fill(num_cases)
    install_guards()
    with connection.cursor() as cursor:
        make_role(cursor, HOUSE, "")
        grant_house(cursor, HOUSE)
    asked = queries()
    figures: dict[str, list[float]] = {name: [] for name in asked}
    counted = {}
    raw = connection.connection
    for wall, cursor_class in ((False, psycopg2.extensions.cursor), (True, ActingCursor)):
        become("NONE")
        if wall:
            install_policies()
        else:
            remove_row_security(connection)
        raw.cursor_factory = cursor_class
        become(HOUSE)
        with acting_as(ME):
            for name, work in asked.items():
                figures[name].append(median(work))
            counted[wall] = Case.objects.count(), Wallet.objects.count()
    with acting_as(None):
        nobody = Case.objects.count(), Wallet.objects.count()
    print(f"{'median, ms':26} {'without':>9} {'with':>9} {'more':>9}")
    for name, (without, with_it) in figures.items():
        print(f"{name:26} {without:9.2f} {with_it:9.2f} {with_it - without:9.2f}")
    print("cases and wallets read by a query that forgot its filter:")
    print(f"    without {counted[False]}, with {counted[True]}, for nobody {nobody}")
    become("NONE")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {HOUSE}")
        cursor.execute(f"DROP ROLE {HOUSE}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
