"""Import, cohort and exposure while the exchange's records grow to a million customers.

`python -m tests.bench.customers [--customers 10000,100000,1000000] [--movements 10] [--write]`: the
demo world on an empty installation of its own, on SQLite or the empty database of FIU_DATABASE_URL,
grown by the import of customers with deposit addresses whose withdrawals pay nobody of the story,
so that the answers have to stay the same. `--write` keeps the table in
docs/benchmarks-customers.md. At a million customers with ten movements each files and database
take some 8 GB; give it a machine that nobody else uses, and half an hour.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

TIMES: Final = 5
HEADING: Final = "# Import, cohort and exposure as customers grow"
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks-customers.md"
PACKAGES: Final = (10_000, 25_000, 50_000, 100_000)
TARGETS: Final = {"import": "minutes at 1,000,000", "cohort": "5 s at 1,000,000"}


@contextmanager
def taken_back() -> Iterator[None]:
    """What the block writes is rolled back, so that every run meets the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def write_folder(folder: Path, first: int, last: int, movements: int) -> None:
    """Made-up customers with a deposit address each, and withdrawals to addresses of their own."""
    [asset] = Asset.objects.filter(symbol="BTC").values_list("asset", "decimals")
    scripts = Scripts(0)
    folder.mkdir()
    files = {
        name: (folder / f"{name}.csv").open("w", encoding="utf-8")
        for name in ("assets", "accounts", "deposit_addresses", "movements")
    }
    for name, file in files.items():
        file.write(",".join(COLUMNS[f"{name}.csv"]) + "\n")
    files["assets"].write(f"{asset[0]},BTC,{asset[1]}\n")
    for i in range(first, last):
        uid = f"BENCH-{i}"
        files["accounts"].write(f"{uid},B{i},Made Up {i},AA,main,2024-01-01,active,full\n")
        address = scripts.address("bench", i)
        files["deposit_addresses"].write(f"{LEDGER},{address},{uid},2024-01-01T00:00:00Z,\n")
        for k in range(movements):
            files["movements"].write(
                f"B{i}-{k},withdrawal,{uid},,{asset[0]},10000,,,,,2025-03-01T00:00:00Z,"
                f"bench{i}-{k},completed,bcrt1qbench{i}x{k},\n"
            )
    for file in files.values():
        file.close()


def imported(first: int, last: int, movements: int) -> Row:
    """Import customers from `first` to `last`: the row of it. Once: twice would change nothing."""
    folder = settings.FIU_HOME / f"grow-{last}"
    write_folder(folder, first, last, movements)
    report, *seconds = timed(lambda: import_exchange(folder), times=1)
    shutil.rmtree(folder)
    moved = report.rows["movements.csv"]
    each = seconds[-1] / max(moved, 1) * 1_000_000
    told = f"{last - first:,} customers, {moved:,} movements; {each:.0f} us a movement"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Row("import", told, *seconds)


@dataclass(frozen=True)
class Row:
    """One operation at one size; seconds. `processor` is of this process alone, of one run."""

    name: str
    found: str
    median: float
    longest: float
    processor: float


def timed(work: Callable[[], Any], times: int = TIMES) -> tuple[Any, float, float, float]:
    """The last answer, the median and longest of some runs, and the median processor time."""
    seconds, processor, found = [], [], None
    for _ in range(times):
        begun, used = perf_counter(), process_time()
        found = work()
        seconds.append(perf_counter() - begun)
        processor.append(process_time() - used)
    return found, median(seconds), max(seconds), median(processor)


def measured(case: Case, by: Actor, account: ExchangeAccount) -> list[Row]:
    """Cohort and exposure, with nothing kept between the runs."""

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
        found, *seconds = timed(work)
        rows.append(Row(name, words(found), *seconds))
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
    import_exchange(demo.built.exchange)  # 20,000 customers
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
        "Written by `python -m tests.bench.customers --write`: the demo world with its 20,000",
        f"customers, grown by others with a deposit address and {options.movements} withdrawals"
        " each. An import runs once,",
        f"cohort and exposure {TIMES} times, nothing kept between them but the ledger's arrays.",
        "Processor time is that of the process; a database server's own is not in it.",
        "",
        "| operation | customers | movements | processor | median | longest | result | target |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]  # fmt: skip
    have = 0
    for size in sizes:
        rows = [imported(have, size, options.movements)]
        have = size
        rows += measured(case, by, account)
        customers, movements = ExchangeAccount.objects.count(), ExchangeRecord.objects.count()
        for row in rows:
            line = f"| {row.name} | {customers:,} | {movements:,} | {row.processor:.2f} s"
            line += f" | {row.median:.2f} s | {row.longest:.2f} s"
            lines.append(f"{line} | {row.found} | {TARGETS.get(row.name, '')} |")
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

from cases.models import Asset, Case, ExchangeAccount, ExchangeRecord  # noqa: E402
from cases.policy import Actor, Role  # noqa: E402
from cases.queries.exposures import case_exposure, customer_exposure  # noqa: E402
from cases.services.attribution import import_tags  # noqa: E402
from cases.services.cases import open_case, start_case  # noqa: E402
from cases.services.cohorts import build_cohort  # noqa: E402
from cases.services.exchange import import_exchange  # noqa: E402
from cases.services.exchange_rows import COLUMNS  # noqa: E402
from cases.services.wallets import add_wallets  # noqa: E402
from fiu.demo.case_file import CaseFile  # noqa: E402
from fiu.demo.installation import set_services  # noqa: E402
from fiu.demo.scripts import Scripts  # noqa: E402
from fiu.models import User  # noqa: E402
from tests.demo_ledger import LEDGER, make_demo_ledger  # noqa: E402
from tracing import exposure_views  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
