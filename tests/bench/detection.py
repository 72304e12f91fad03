"""Detection while customers grow to a million, and the alert queue with a hundred thousand alerts.

`python -m tests.bench.detection [--customers 10000,100000,1000000] [--movements 10]
[--alerts 100000] [--write]`: an empty installation of its own, on SQLite or the empty database of
FIU_DATABASE_URL. One customer in a thousand cuts deposits just under the limit; the run must find
exactly those. Each size is timed as the nightly run, alone in a process, so that its memory is its
own. Beside it stands a peer: one query by hand for the one rule that fires, which must find the
same customers. `--write` keeps the table in docs/benchmarks-detection.md. A million customers with
ten movements each take some 4 GB and an hour with the loading; give it a machine nobody else uses.
"""

# ruff: noqa: S608  # every word of this SQL is a constant or a number of this module

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

REPORT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks-detection.md"
BATCH: Final = 50_000
ONE_IN: Final = 1_000
PAGES: Final = 60
KINDS: Final = ("deposit", "conversion", "withdrawal", "fiat_in", "internal_transfer")
USD: Final = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"


def grow(have: int, want: int, movements: int) -> None:
    """Customers with small movements of all kinds, and one in a thousand who cuts: SQL alone."""
    if connection.vendor == "sqlite":
        uuid = "'000000000000400080' || substr('00000000000000' || n.i, -14)"
        amount = f"substr('{'0' * 78}' || ({{}}), -78)"
        moment = "strftime('%Y-%m-%d %H:%M:%S+00:00', '2025-01-01', '+' || ({}) || ' hours')"
    else:
        uuid = "('00000000-0000-4000-8000-' || lpad(n.i::text, 12, '0'))::uuid"
        amount = "({})"
        moment = "timestamptz '2025-01-01 00:00:00+00' + ({}) * interval '1 hour'"
    kind = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(KINDS))
    with connection.cursor() as cursor:
        for first in range(have, want, BATCH):
            last = min(first + BATCH, want)
            people = (
                f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n"
                f" WHERE i + 1 < {last})"
            )
            cursor.execute(
                "INSERT INTO cases_exchangeaccount (public_id, uid, customer, holder_name, country,"
                f" kind, opened_on, state, kyc_level) {people} SELECT {uuid}, 'D-' || n.i,"
                " 'C' || n.i, 'Made Up ' || n.i, 'AA', 'main', '2021-01-01', 'active', 'full'"
                " FROM n"
            )
            moved = f"m(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM m WHERE k + 1 < {movements})"
            cuts = f"n.i % {ONE_IN} = 0 AND k < 3"
            base = f"CASE WHEN {cuts} THEN 9500 ELSE 20 + (n.i * 7 + k * 131) % 700 END * 1000000"
            at = f"CASE WHEN {cuts} THEN 4000 + k * 20 ELSE (n.i * 31 + k * 640) % 7000 END"
            cursor.execute(
                "INSERT INTO cases_exchangerecord (ref, kind, account_id, counter_account_id,"
                f" asset_id, base, asset_out_id, base_out, at, txid, address, status) {people},"
                f" {moved} SELECT 'D' || n.i || '-' || k,"
                f" CASE WHEN {cuts} THEN 'deposit' ELSE CASE k % 5 {kind} END END,"
                f" a.id, CASE WHEN k % 5 = 4 THEN a.id END, '{USD}', {amount.format(base)},"
                f" CASE WHEN k % 5 = 1 THEN '{USD}' END,"
                f" CASE WHEN k % 5 = 1 THEN {amount.format(base)} END, {moment.format(at)},"
                " '', '', 'completed'"
                " FROM n CROSS JOIN m JOIN cases_exchangeaccount a ON a.uid = 'D-' || n.i"
            )
        cursor.execute("ANALYZE")


def run() -> None:
    """The nightly run alone, as JSON: seconds, processor seconds, peak memory, what it raised."""
    begun, busy = perf_counter(), process_time()
    report = detect_now(by=SYSTEM)
    print(json.dumps({
        "seconds": perf_counter() - begun, "busy": process_time() - busy,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "movements": report.num_movements, "raised": report.num_raised + report.num_known,
    }))  # fmt: skip


def peer() -> tuple[float, int]:
    """Seconds of one hand-written query for three amounts just under the limit in 72 hours.

    It answers this one question and nothing else: no other rule, no reasons, no alert, no resuming.
    """
    if connection.vendor == "sqlite":
        low, high = (f"'{amount * 1_000_000:078}'" for amount in (9_000, 10_000))
        close = "julianday(at) - julianday(third) <= 3"
    else:
        low, high = (str(amount * 1_000_000) for amount in (9_000, 10_000))
        close = "at - third <= interval '72 hours'"
    begun = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT account_id) FROM (SELECT account_id, at, LAG(at, 2) OVER"
            " (PARTITION BY account_id ORDER BY at) AS third FROM cases_exchangerecord"
            f" WHERE base >= {low} AND base < {high}) near WHERE {close}"
        )
        [found] = cursor.fetchone()
    return perf_counter() - begun, found


def queue(num_alerts: int) -> str:
    """Median and 95th percentile of the alert queue with so many open alerts."""
    rule = Rule.objects.get(code="structuring")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    accounts = list(ExchangeAccount.objects.order_by("pk").values_list("pk", flat=True)[:5_000])
    for first in range(0, num_alerts, 10_000):
        Alert.objects.bulk_create(
            Alert(
                rule=rule, account_id=accounts[n % len(accounts)], fingerprint=f"bench-{n}",
                values=[{"name": "amounts", "found": "3", "limit": "3"}] * 3, window_from=now,
                window_to=now, fiat=n % 90_000, severity="medium", rank=2, score=n % 60 + 30,
                raised_at=now + timedelta(minutes=n), last_raised_at=now,
            )
            for n in range(first, first + 10_000)
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    user = User.objects.create(username="bench", email="b@x.example", role="analyst")
    actor = Actor(user.pk, Role.ANALYST)
    taken = []
    for page in range(PAGES):
        begun = perf_counter()
        rows = alert_queue(actor, "", page % 20 + 1).rows
        [(row.rule.title, row.account.masked, row.values) for row in rows]
        taken.append(perf_counter() - begun)
    taken.sort()
    middle, high = taken[PAGES // 2], taken[PAGES * 95 // 100]
    return f"| {num_alerts:,} | {middle * 1000:.0f} ms | {high * 1000:.0f} ms | 200 ms |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", default="10000,100000,1000000")
    parser.add_argument("--movements", type=int, default=10)
    parser.add_argument("--alerts", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run()
        return 0
    for command in ("migrate", "install_guards", "createcachetable"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    Asset.objects.create(asset=USD, symbol="USDT", decimals=6)
    Price.objects.create(
        asset_id=USD, currency="USD", price=1, at=datetime(2024, 1, 1, tzinfo=UTC), source="Bench"
    )
    lines = [
        "# Detection as customers grow", "",
        "Written by `python -m tests.bench.detection --write`: the rules that run at once, as the"
        " nightly run,", "one process, made-up customers of whom one in a thousand cuts deposits"
        " just under the limit.", "",
        "Growth is the time beside that of the size before, for each time as many movements: 1.00"
        " is linear.", "The peer is one hand-written query that finds the same customers by this"
        " one rule: no other", "rule, no reasons, no alert, no resuming.", "",
        "| customers | movements | time | processor | movements a second | growth | memory | found"
        " | peer, one rule |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    before: tuple[float, int] | None = None
    for size in sorted(int(size) for size in options.customers.split(",")):
        grow(ExchangeAccount.objects.count(), size, options.movements)
        done = subprocess.run([sys.executable, "-m", __spec__.name, "--run"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        planted = -(-size // ONE_IN)
        if told["raised"] != planted:
            raise SystemExit(f"{planted} planted, {told['raised']} found")
        by_hand, same = peer()
        if same != planted:
            raise SystemExit(f"{planted} planted, {same} found by the peer")
        growth = "-"
        if before is not None:
            growth = f"{told['seconds'] / before[0] / (told['movements'] / before[1]):.2f}"
        before = told["seconds"], told["movements"]
        lines.append(
            f"| {size:,} | {ExchangeRecord.objects.count():,} | {told['seconds']:.1f} s"
            f" | {told['busy']:.1f} s | {told['movements'] / told['seconds']:,.0f}"
            f" | {growth} | {told['megabytes']:.0f} MB | {told['raised']:,} of {planted:,}"
            f" | {by_hand:.1f} s |"
        )
        print(lines[-1], flush=True)
    if options.alerts:
        lines += [
            "", "## The alert queue", "", f"{PAGES} pages of the queue, the first 20 in turn.", "",
            "| open alerts | median | 95th percentile | target |", "| ---: | ---: | ---: | ---: |",
            queue(options.alerts),
        ]  # fmt: skip
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

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from cases.models import Alert, Asset, ExchangeAccount, ExchangeRecord, Price, Rule  # noqa: E402
from cases.policy import SYSTEM, Actor, Role  # noqa: E402
from cases.queries.alerts import alert_queue  # noqa: E402
from cases.services.detection_runs import detect_now  # noqa: E402
from fiu.models import User  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
