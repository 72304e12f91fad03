"""Import, cohort and exposure while the exchange's records grow to a million customers.

`python -m tests.bench.customers [--customers 10000,100000,1000000] [--movements 10] [--write]`: the
demo world on an empty installation of its own, on SQLite or the empty database of FIU_DATABASE_URL,
grown by the import of customers with deposit addresses whose withdrawals pay nobody of the story,
so that the answers have to stay the same. The payer is the wallet of the demo ledger that paid most
others; what it paid is in the records of the first customers, half of it by way of a wallet of
theirs, and its cohort is compared with a plain loop over ledger and records first. `--write` keeps
the table in docs/benchmarks-customers.md. At a million customers with ten movements each files and
database take some 8 GB; give it a machine that nobody else uses, and half an hour.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

TIMES: Final = 5
HEADING: Final = "# Import, cohort and exposure as customers grow"
REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks-customers.md"
PACKAGES: Final = (10_000, 25_000, 50_000, 100_000)
NEW: Final = ", first in a new process"
TARGETS: Final = {
    "import": "minutes at 1,000,000",
    **dict.fromkeys(
        (f"cohort{of}{new}" for of in ("", " of a payer") for new in ("", NEW)), "5 s at 1,000,000"
    ),
}
PAYER: Final = "Payer"
PAYEES: Final = 5_000
"""Customers whom the payer paid; the smallest size has more."""


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


@dataclass(frozen=True)
class Payout:
    """What the payer paid, and where it went next: ids of outputs of the ledger."""

    coin: int
    onward: tuple[int, ...]
    is_single_use: bool


class Ledger:
    """The ledger as plain lists, for the reference: nothing of the engine but its arrays."""

    def __init__(self, ledger: StoredLedger) -> None:
        self.ledger = ledger
        self.in_off, self.out_off = ledger.in_off.tolist(), ledger.out_off.tolist()
        self.in_address, self.out_address = ledger.in_address.tolist(), ledger.out_address.tolist()
        self.in_tx, self.out_tx = ledger.in_tx.tolist(), ledger.out_tx.tolist()
        self.spent_in, self.value = ledger.out_spent_in.tolist(), ledger.out_value.tolist()
        self.mixed = flags(ledger).tolist()

    def paid_by(self, own: set[int]) -> list[Payout]:
        """Outputs to others of the transactions that only these addresses signed."""
        used = Counter(self.out_address), Counter(self.in_address)
        found = []
        for tx, mixed in enumerate(self.mixed):
            spent = self.in_address[self.in_off[tx] : self.in_off[tx + 1]]
            if mixed or not spent or not own.issuperset(spent):
                continue
            for coin in range(self.out_off[tx], self.out_off[tx + 1]):
                address = self.out_address[coin]
                if address in own or address == NO_ADDRESS:
                    continue
                onward: tuple[int, ...] = ()
                single = False
                if self.spent_in[coin] < len(self.in_tx):
                    then = self.in_tx[self.spent_in[coin]]
                    outs = range(self.out_off[then], self.out_off[then + 1])
                    num_in = self.in_off[then + 1] - self.in_off[then]
                    if len(outs) <= 64 and num_in <= 64 and not self.mixed[then]:
                        onward = tuple(outs)
                        single = num_in == len(outs) == used[0][address] == used[1][address] == 1
                found.append(Payout(coin, onward, single))
        return found

    def place(self, coin: int) -> tuple[str, str]:
        """Transaction and address that an output pays."""
        address = self.out_address[coin]
        text = "" if address == NO_ADDRESS else self.ledger.address_text(address)
        return self.ledger.txid(self.out_tx[coin]), text


class Payer:
    """The wallet that paid most others, and our records of deposits that it made for them.

    Args:
        address: one of its cluster; records: (transaction, address) to customer and amount of what
            the first customers get.
    """

    def __init__(self) -> None:
        ledger = opened_ledger(LEDGER)
        plain = Ledger(ledger)
        clusters = stored_clusters(ledger, ()).clusters
        of_tx = Counter(
            clusters.anchor(plain.in_address[first])
            for first, end in pairwise(plain.in_off)
            if end > first and plain.in_address[first] != NO_ADDRESS
        )
        tagged = set(index_now(ledger).tags)
        best = next(
            anchor for anchor, _ in of_tx.most_common()
            if tagged.isdisjoint(clusters.members(anchor).tolist())
        )  # fmt: skip
        self.address = ledger.address_text(best)
        own = set(clusters_now(ledger).members(best).tolist())
        self.payouts = plain.paid_by(own)
        self.records: dict[tuple[str, str], tuple[str, int]] = {}
        story = self._of_story()  # one place, one record: of two nobody can say whose it is
        for number, payout in enumerate(self.payouts):
            coins = payout.onward if number % 2 else (payout.coin,)
            coin = next((each for each in coins if plain.place(each)[1]), None)
            if coin is not None and plain.place(coin) not in story:
                self.records.setdefault(
                    plain.place(coin), (f"B{number % PAYEES}", plain.value[coin])
                )
        self.expected = self._by_loop(plain)

    @staticmethod
    def _of_story() -> dict[tuple[str, str], tuple[str, int]]:
        """Deposits of the demo's own customers."""
        rows = ExchangeRecord.objects.filter(kind="deposit").exclude(txid="")
        told = rows.values_list("txid", "address", "account__customer", "base")
        return {(txid, address): (who, int(base)) for txid, address, who, base in told}

    def _by_loop(self, plain: Ledger) -> dict[str, tuple[int, int, int]]:
        """Customer to tier, number and sum of payouts: what the cohort has to say."""
        records = self._of_story() | self.records
        found: dict[str, tuple[int, int, int]] = {}
        for payout in self.payouts:
            direct = records.get(plain.place(payout.coin))
            beyond = {
                record[0]
                for coin in payout.onward
                if (record := records.get(plain.place(coin))) is not None
            }
            if direct is not None:
                who, tier = direct[0], 1
            elif len(beyond) == 1:
                who, tier = beyond.pop(), 2 if payout.is_single_use else 3
            else:
                continue
            best, number, amount = found.get(who, (3, 0, 0))
            found[who] = (min(best, tier), number + 1, amount + plain.value[payout.coin])
        return found

    def told(self, cohort: Cohort) -> dict[str, tuple[int, int, int]]:
        """The same of a cohort."""
        found: dict[str, tuple[int, int, int]] = {}
        rows = CohortPayment.objects.filter(member__cohort=cohort, is_payout=True)
        for who, tier, base in rows.values_list("member__customer", "tier", "amount"):
            best, number, amount = found.get(who, (3, 0, 0))
            found[who] = (min(best, tier), number + 1, amount + int(base))
        return found


def imported(first: int, last: int, movements: int, payer: Payer | None = None) -> Row:
    """Import customers from `first` to `last`: the row of it. Once: twice would change nothing."""
    folder = settings.FIU_HOME / f"grow-{last}"
    write_folder(folder, first, last, movements)
    if payer is not None:
        [asset] = Asset.objects.filter(symbol="BTC").values_list("asset", flat=True)
        with (folder / "movements.csv").open("a", encoding="utf-8") as file:
            for number, ((txid, address), (who, base)) in enumerate(sorted(payer.records.items())):
                file.write(
                    f"P{number},deposit,BENCH-{who[1:]},,{asset},{base},,,,,2025-03-01T00:00:00Z,"
                    f"{txid},credited,{address},\n"
                )

    def load() -> ImportReport:
        report = import_exchange(folder)
        jobs.prepare_walls(LEDGER)  # as the command does
        return report

    report, *seconds = timed(load, times=1)
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


@dataclass(frozen=True)
class Work:
    """What is asked, by keys alone, so that another process can ask it too."""

    case: int
    payer: int  # the case of the payer
    account: int
    person: int

    def of(self, name: str) -> Callable[[], Any]:
        """The work of a row by its name, nothing kept from an earlier run."""
        by = Actor(self.person, Role.ANALYST)

        def cohort() -> tuple[int, int]:
            with taken_back():
                case = Case.objects.get(pk=self.case)
                built = build_cohort(case, platform="Lanternbox", packages=PACKAGES, by=by)
                members = built.members.filter(kept_out="")
                return members.filter(is_exportable=True).count(), members.count()

        def payer() -> tuple[int, int]:
            with taken_back():
                built = build_cohort(Case.objects.get(pk=self.payer), platform=PAYER, by=by)
                paid = built.members.exclude(num_payouts=0)
                told = paid.aggregate(payouts=Sum("num_payouts"))
                return paid.count(), told["payouts"] or 0

        def exposure() -> int:
            for kept in (exposure_views._exposure, exposure_views._movements):
                kept.cache_clear()
            account = ExchangeAccount.objects.get(pk=self.account)
            return sum(len(each.view.rows) for each in customer_exposure(account) if each.view)

        def of_case() -> int:
            exposure_views._exposure.cache_clear()
            case = Case.objects.get(pk=self.case)
            return sum(len(each.view.rows) for each in case_exposure(case) if each.view)

        return {
            "cohort": cohort, "cohort of a payer": payer, "exposure of a customer": exposure,
            "exposure of a case": of_case,
        }[name]  # fmt: skip

    def anew(self, name: str) -> tuple[Any, float, float, float]:
        """The same, `timed` in a process of its own that did nothing before."""
        asked = json.dumps([name, self.case, self.payer, self.account, self.person])
        out = subprocess.run(
            [sys.executable, "-m", "tests.bench.customers", "--first", asked],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        found, seconds, processor = json.loads(out.splitlines()[-1])
        return found, seconds, seconds, processor


def measured(work: Work) -> list[Row]:
    """Cohort and exposure, with nothing kept between the runs."""
    rows = []
    for name, words in (
        ("cohort", lambda found: f"{found[0]} of {found[1]} exportable"),
        ("cohort of a payer", lambda found: f"{found[1]} payouts to {found[0]} customers"),
        ("exposure of a customer", lambda found: f"{found} rows"),
        ("exposure of a case", lambda found: f"{found} rows"),
    ):
        found, *seconds = work.anew(name)
        first = Row(f"{name}{NEW}", words(found), *seconds)
        found, *seconds = timed(work.of(name))
        rows += [first, Row(name, words(found), *seconds)]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", default="10000,100000,1000000")
    parser.add_argument("--movements", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--first", default="", help=argparse.SUPPRESS)  # of a new process
    options = parser.parse_args()
    if options.first:
        name, *keys = json.loads(options.first)
        found, seconds, _longest, processor = timed(Work(*keys).of(name), times=1)
        print(json.dumps([found, seconds, processor]))
        return 0
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
    payer = Payer()
    other = start_case(open_case(title="Payer", case_type="darknet", priority="P2", by=by), by=by)
    add_wallets(
        other, text=payer.address, role="service", provenance="document", provenance_note="List",
        by=by,
    )  # fmt: skip
    account = ExchangeAccount.objects.get(uid__endswith="OP-1")
    work = Work(case.pk, other.pk, account.pk, user.pk)
    lines = [
        HEADING, "",
        "Written by `python -m tests.bench.customers --write`: the demo world with its 20,000",
        f"customers, grown by others with a deposit address and {options.movements} withdrawals"
        " each. An import runs once,",
        f"cohort and exposure {TIMES} times, nothing kept between them but the ledger's arrays;"
        " before, once",
        "in a process of its own that did nothing before. The payer is a wallet that pays others,"
        " none of the story;",
        "its cohort equals what a plain loop over ledger and records finds.",
        "Processor time is that of the process; a database server's own is not in it.",
        "",
        "| operation | customers | movements | processor | median | longest | result | target |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]  # fmt: skip
    have = 0
    for size in sizes:
        rows = [imported(have, size, options.movements, None if have else payer)]
        if not have:
            with taken_back():
                told = payer.told(build_cohort(other, platform=PAYER, by=by))
            if told != payer.expected or not told:
                raise SystemExit("the cohort of the payer is not what a plain loop finds")
        have = size
        rows += measured(work)
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
from django.db.models import Sum  # noqa: E402

from cases.models import (  # noqa: E402
    Asset,
    Case,
    Cohort,
    CohortPayment,
    ExchangeAccount,
    ExchangeRecord,
)
from cases.policy import Actor, Role  # noqa: E402
from cases.queries.exposures import case_exposure, customer_exposure  # noqa: E402
from cases.services.attribution import import_tags  # noqa: E402
from cases.services.cases import open_case, start_case  # noqa: E402
from cases.services.cohorts import build_cohort  # noqa: E402
from cases.services.exchange import ImportReport, import_exchange  # noqa: E402
from cases.services.exchange_rows import COLUMNS  # noqa: E402
from cases.services.wallets import add_wallets  # noqa: E402
from fiu.demo.case_file import CaseFile  # noqa: E402
from fiu.demo.installation import set_services  # noqa: E402
from fiu.demo.scripts import Scripts  # noqa: E402
from fiu.models import User  # noqa: E402
from tests.demo_ledger import LEDGER, make_demo_ledger  # noqa: E402
from tracing import exposure_views, jobs  # noqa: E402
from tracing.engine.coinjoin import flags  # noqa: E402
from tracing.engine.ledger import NO_ADDRESS  # noqa: E402
from tracing.ledgers import StoredLedger  # noqa: E402
from tracing.ledgers.clusters import stored_clusters  # noqa: E402
from tracing.open_ledgers import opened_ledger  # noqa: E402
from tracing.tag_index import clusters_now, index_now  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
