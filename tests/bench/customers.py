"""Cohort and exposure while the exchange's records grow from ten thousand customers to a million.

`python -m tests.bench.customers [--customers 10000,100000,1000000] [--movements 10] [--write]`: the
demo world on an empty installation of its own, on SQLite or the empty database of FIU_DATABASE_URL,
grown by customers whose withdrawals pay nobody of the story, so that the answers have to stay the
same. `--write` keeps the table in docs/benchmarks-customers.md. At a million customers with ten
movements each the database takes some 5 GB; give it a machine that nobody else uses.
"""

# ruff: noqa: S608  # every word of this SQL is a constant or a number of this module

from __future__ import annotations

import argparse
import io
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

TIMES: Final = 5
HEADING: Final = "# Cohort and exposure as customers grow"
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks-customers.md"
PACKAGES: Final = (10_000, 25_000, 50_000, 100_000)
BATCH: Final = 100_000
TARGET: Final = "5 s at 1,000,000"


@contextmanager
def taken_back() -> Iterator[None]:
    """What the block writes is rolled back, so that every run meets the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def grow(have: int, want: int, movements: int) -> None:
    """Add made-up customers with their withdrawals, each to an address of its own: SQL alone.

    The demo's own customers are counted in. O(rows added).
    """
    asset = ExchangeRecord.objects.filter(kind="withdrawal").earliest("pk").asset_id
    with connection.cursor() as cursor:
        for first in range(have, want, BATCH):
            last = min(first + BATCH, want)
            numbers = (
                f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n"
                f" WHERE i + 1 < {last})"
            )
            if connection.vendor == "sqlite":
                uuid = "'000000000000400080' || substr('00000000000000' || {0}, -14)"
            else:
                uuid = "('00000000-0000-4000-8000-' || lpad({0}::text, 12, '0'))::uuid"
            cursor.execute(
                "INSERT INTO cases_exchangeaccount (public_id, uid, customer, holder_name, country,"
                f" kind, opened_on, state, kyc_level) {numbers} SELECT {uuid.format('i')},"
                " 'BENCH-' || i, 'B' || i, 'Made Up ' || i, 'AA', 'main', NULL, 'active', 'full'"
                " FROM n"
            )
            amount = f"'{'0' * 73}10000'" if connection.vendor == "sqlite" else "10000"
            moved = f"m(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM m WHERE k + 1 < {movements})"
            cursor.execute(
                "INSERT INTO cases_exchangerecord (ref, kind, account_id, asset_id, base, at, txid,"
                f" address, status) {numbers}, {moved}"
                f" SELECT 'B' || i || '-' || k, 'withdrawal', a.id, '{asset}', {amount},"
                " '2025-03-01 00:00:00+00:00', 'bench' || i || '-' || k,"
                " 'bcrt1qbench' || i || 'x' || k, 'completed'"
                " FROM n CROSS JOIN m JOIN cases_exchangeaccount a ON a.uid = 'BENCH-' || n.i"
            )
        cursor.execute("ANALYZE")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The last answer, and the median and longest of some runs in seconds."""
    seconds, found = [], None
    for _ in range(TIMES):
        begun = perf_counter()
        found = work()
        seconds.append(perf_counter() - begun)
    return found, median(seconds), max(seconds)


def measured(
    case: Case, by: Actor, account: ExchangeAccount
) -> list[tuple[str, str, float, float]]:
    """Operation, what it found, median and longest, with nothing kept between the runs."""

    def cohort() -> tuple[int, int]:
        with taken_back():
            built = build_cohort(case, platform="Lanternbox", packages=PACKAGES, by=by)
            members = built.members.filter(kept_out="")
            return members.filter(is_exportable=True).count(), members.count()

    def exposure() -> int:
        for kept in (exposure_views._exposure, exposure_views._movements):
            kept.cache_clear()
        return sum(len(each.view.rows) for each in customer_exposure(account) if each.view)

    def of_case() -> int:
        exposure_views._exposure.cache_clear()
        return sum(len(each.view.rows) for each in case_exposure(case) if each.view)

    rows = []
    for name, work, words in (
        ("cohort", cohort, lambda found: f"{found[0]} of {found[1]} exportable"),
        ("exposure of a customer", exposure, lambda found: f"{found} rows"),
        ("exposure of a case", of_case, lambda found: f"{found} rows"),
    ):
        found, middle, longest = timed(work)
        rows.append((name, words(found), middle, longest))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", default="10000,100000,1000000")
    parser.add_argument("--movements", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.customers.split(","))
    for command in ("migrate", "install_guards"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    demo = make_demo_ledger(settings.FIU_HOME)
    import_exchange(demo.built.exchange)
    set_services(7)
    for name in ("pack_a_v1.yaml", "pack_b_v1.yaml"):
        import_tags(demo.built.folder / "tagpacks" / name)
    user = User.objects.create(username="bench", email="bench@x.example", role="analyst")
    by = Actor(user.pk, Role.ANALYST)
    case = open_case(title="Bench", case_type="darknet", priority="P2", by=by)
    case = start_case(case, by=by)
    add_wallets(
        case, text="\n".join(CaseFile.read(demo.built.folder).lanternbox), role="service",
        provenance="document", provenance_note="List", by=by,
    )  # fmt: skip
    account = ExchangeAccount.objects.get(uid__endswith="OP-1")
    lines = [
        HEADING, "",
        "Written by `python -m tests.bench.customers --write`: the demo world, grown by customers",
        f"with {options.movements} withdrawals each; {TIMES} runs of each, nothing kept between"
        " them but the ledger's arrays.", "",
        "| operation | customers | movements | median | longest | result | target |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: |",
    ]  # fmt: skip
    for size in sizes:
        have = ExchangeAccount.objects.count()
        grow(have, size, options.movements)
        customers, movements = ExchangeAccount.objects.count(), ExchangeRecord.objects.count()
        for name, found, middle, longest in measured(case, by, account):
            target = TARGET if name == "cohort" else ""
            line = f"| {name} | {customers:,} | {movements:,} | {middle:.2f} s | {longest:.2f} s"
            lines.append(f"{line} | {found} | {target} |")
            print(lines[-1], flush=True)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines += ["", f"{connection.vendor}; Python {platform.python_version()}; {machine}."]
    if options.write:
        REPORT.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__" and "DJANGO_SETTINGS_MODULE" not in os.environ:
    database = os.environ.get("FIU_DATABASE_URL", "")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
    with tempfile.TemporaryDirectory(prefix="fiu-bench-") as home:
        own = {
            "FIU_HOME": home, "FIU_DATABASE_URL": database, "FIU_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "fiu.settings",
        }  # fmt: skip
        done = subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:]],
                              env={**clean, **own}, check=False)  # fmt: skip
    sys.exit(done.returncode)

import django  # noqa: E402  # the settings come first

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from cases.models import Case, ExchangeAccount, ExchangeRecord  # noqa: E402
from cases.policy import Actor, Role  # noqa: E402
from cases.queries.exposures import case_exposure, customer_exposure  # noqa: E402
from cases.services.attribution import import_tags  # noqa: E402
from cases.services.cases import open_case, start_case  # noqa: E402
from cases.services.cohorts import build_cohort  # noqa: E402
from cases.services.exchange import import_exchange  # noqa: E402
from cases.services.wallets import add_wallets  # noqa: E402
from fiu.demo.case_file import CaseFile  # noqa: E402
from fiu.demo.installation import set_services  # noqa: E402
from fiu.models import User  # noqa: E402
from tests.demo_ledger import make_demo_ledger  # noqa: E402
from tracing import exposure_views  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
