"""Many cases at once, for the load bench: bulk rows under the database's own guards.

`python -m tests.bench.load_world CASES USERS` fills the empty installation of FIU_HOME and prints,
as JSON, the sessions that are signed in and what there is to ask for. No guard is lifted: each
object begins in its first state and takes legal steps only, in statements over many rows, and the
audit chains are the ones `manage.py audit_verify` checks. Beside them stands a generated ledger of
55 transactions a case: of more than a million addresses for 20,000 cases. Cost: 70 s for these.
"""

import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from cases.models import (
    Alert,
    Asset,
    AuditEvent,
    Case,
    CaseAccess,
    CaseRun,
    CounterEvidence,
    ExchangeAccount,
    Finding,
    FindingApproval,
    FreezeApproval,
    FreezeLine,
    FreezeReceipt,
    FreezeRequest,
    InformationRequest,
    Price,
    ReachedAccount,
    Rule,
    Suspect,
    SuspectAccount,
    SuspectName,
    Task,
    Wallet,
)
from cases.models.base import ReferenceCounter
from cases.services.audit import FIRST_PREVIOUS, content_digest, event_hash, verify_chains
from fiu.models import Agency, User
from fiu.preparation import prepare
from tests.bench.generator import generate
from tests.bench.stored import LEDGER, store_generated
from tests.conftest import client_of
from tracing import reads
from tracing.ledgers import open_ledger
from tracing.ledgers.clusters import stored_clusters
from tracing.models import TraceResult, TraceRun

SEED = 20
BATCH = 1000  # cases in one transaction
BTC = "bip122:000000000019d6689c085ae165831e93/slip44:0"
ROLES = ("analyst",) * 6 + ("supervisor",) * 3 + ("compliance",)
WORDS = (
    "Lantern", "Harbour", "Copper", "Meadow", "Quarry", "Thistle", "Beacon", "Willow", "Falcon",
    "Ember", "Granite", "Juniper", "Orchard", "Saddle", "Tundra", "Velvet", "Walnut", "Zephyr",
)  # fmt: skip
LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TRANSACTIONS = 55  # of the ledger, a case
OPEN_EVERY = 5  # one case in five is open, the others are closed
NOW = datetime.now(UTC).replace(microsecond=0)
Q = QuerySet[Any]


class Maker:
    """The rows of one installation, drawn from a seed."""

    def __init__(self, num_cases: int, num_users: int, num_alerts: int) -> None:
        self.dice = random.Random(SEED)
        self.num_cases = num_cases
        self.num_alerts = num_alerts
        self.num_users = num_users
        self.num: dict[str, int] = {}

    def make(self) -> dict[str, Any]:
        """All of it; what the driver needs."""
        self._people()
        self._exchange()
        for first in range(0, self.num_cases, BATCH):
            with transaction.atomic():
                self._cases(range(first, min(first + BATCH, self.num_cases)))
        with transaction.atomic():
            self._queues()
            for series, last in self.num.items():
                ReferenceCounter.objects.create(series=series, year=NOW.year, last=last)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")  # autovacuum does it within a minute
        return self._report()

    def _reference(self, series: str) -> str:
        self.num[series] = self.num.get(series, 0) + 1
        return f"{series}-{NOW.year}-{self.num[series]:06d}"

    def _people(self) -> None:
        self.agency = Agency.objects.create(
            name="Harbour Police", short_name="HP", kind="police", country="XX", domain="hp.example"
        )
        self.users = [
            User.objects.create(
                username=f"{ROLES[n % len(ROLES)]}{n}", email=f"user{n}@fiu.example",
                role=ROLES[n % len(ROLES)], first_name=self.dice.choice(WORDS), last_name=f"No {n}",
            )
            for n in range(self.num_users)
        ]  # fmt: skip
        self.liaison = User.objects.create(
            username="liaison", email="liaison@hp.example", role="liaison", agency=self.agency
        )
        of = {role: [u for u in self.users if u.role == role] for role in set(ROLES)}
        self.analysts, self.supervisors = of["analyst"], of["supervisor"]
        self.compliance = of["compliance"]

    def _exchange(self) -> None:
        Asset.objects.create(asset=BTC, symbol="BTC", decimals=8)
        Price.objects.create(
            asset_id=BTC, currency="USD", price="98000", at=NOW - timedelta(hours=1), source="Bench"
        )
        rows = [
            ExchangeAccount(
                uid=f"{70_000_000 + n}", customer=f"C{n}", holder_name=f"{self._word()} {n}",
                country="XX", kyc_level="full",
            )
            for n in range(self.num_cases)
        ]  # fmt: skip
        self.accounts = ExchangeAccount.objects.bulk_create(rows, batch_size=2000)

    def _word(self) -> str:
        return self.dice.choice(WORDS)

    def _address(self) -> str:
        return "1" + "".join(self.dice.choices(LETTERS, k=33))

    def _cases(self, numbers: range) -> None:
        """One batch: cases with all that hangs on them, and their chains."""
        cases = []
        for n in numbers:
            owner = self.analysts[n % len(self.analysts)]
            opened = NOW - timedelta(hours=self.dice.randrange(24, 24 * 900))
            cases.append(
                Case(
                    reference=self._reference("CASE"), title=f"{self._word()} {self._word()} {n}",
                    case_type=self.dice.choice(("fraud", "darknet", "hack", "other")),
                    priority=self.dice.choice(("P1", "P2", "P3", "P4")),
                    visibility=("team" if n % 12 == 5 else "sealed" if n % 100 == 7 else "unit"),
                    owner_by=owner, opened_by=owner, opened_at=opened,
                )
            )  # fmt: skip
        Case.objects.bulk_create(cases)
        self._named(cases)
        self._wallets_and_suspects(cases)
        self._runs(cases)
        findings = self._findings(cases)
        self._freezes(cases, findings)
        self._tasks(cases)
        self._chains(cases)
        keys = [case.pk for case in cases]
        of = Case.objects.filter(pk__in=keys)
        of.update(state="investigating")
        done = [case.pk for case in cases if self._number(case) % OPEN_EVERY]
        reviewed = [case.pk for case in cases if self._number(case) % 250 == 0]
        of.filter(pk__in=done + reviewed).update(
            state="in_review", submitted_by=self.supervisors[0]
        )
        of.filter(pk__in=done).update(state="decided", decided_by=self.supervisors[1])
        of.filter(pk__in=done).update(
            state="closed", closed_at=NOW - timedelta(days=1), closure_reason="no_further"
        )

    @staticmethod
    def _number(case: Case) -> int:
        return int(case.reference[-6:])

    def _named(self, cases: list[Case]) -> None:
        CaseAccess.objects.bulk_create(
            CaseAccess(case=case, user=user, level="lead" if user == case.owner_by else "write")
            for case in cases
            if case.visibility != "unit"
            for user in {case.owner_by, self.dice.choice(self.supervisors)}
        )

    def _wallets_and_suspects(self, cases: list[Case]) -> None:
        self.wallets = Wallet.objects.bulk_create(
            Wallet(
                case=case, ledger="bitcoin", address=self._address(), label=self._word(),
                provenance="document", provenance_note="Report", added_by=case.owner_by,
                added_at=case.opened_at,
            )
            for case in cases
            for _ in range(3)
        )  # fmt: skip
        suspects = Suspect.objects.bulk_create(
            Suspect(
                reference=self._reference("SUSP"), case=case, kind="person", standing="suspect",
                added_by=case.owner_by, added_at=case.opened_at,
            )
            for case in cases
        )  # fmt: skip
        SuspectName.objects.bulk_create(
            SuspectName(suspect=each, full=f"{self._word()} {self._word()}son") for each in suspects
        )
        SuspectAccount.objects.bulk_create(
            SuspectAccount(
                suspect=each, account=self.accounts[self._number(each.case) - 1], basis="Same name",
                linked_by=each.added_by, linked_at=each.added_at,
            )
            for each in suspects
        )  # fmt: skip

    def _runs(self, cases: list[Case]) -> None:
        traced = [case for case in cases if self._number(case) % 2]
        runs = TraceRun.objects.bulk_create(
            TraceRun(
                case=case.public_id, requested_by=case.owner_by_id, ledger="bitcoin",
                mode="forward",
                parameters={"policy": "fifo"}, params_hash=content_digest(case.reference),
                state="done", queued_at=case.opened_at, started_at=case.opened_at,
                finished_at=case.opened_at, collected_at=case.opened_at,
            )
            for case in traced
        )  # fmt: skip
        TraceResult.objects.bulk_create(
            TraceResult(run=run, result=b"", result_sha256="ab" * 32, ledger="bitcoin", epoch=1)
            for run in runs
        )
        of = CaseRun.objects.bulk_create(
            CaseRun(
                case=case, run=run.public_id, requested_by=case.owner_by, is_lead=True,
                requested_at=case.opened_at, collected_at=case.opened_at,
            )
            for case, run in zip(traced, runs, strict=True)
        )  # fmt: skip
        rows = []
        for case_run in of:
            account = self.accounts[self._number(case_run.case) - 1]
            for _ in range(2):
                base = self.dice.randrange(10**5, 10**9)
                rows.append(
                    ReachedAccount(
                        case_run=case_run, account=account, asset=BTC, address=self._address(),
                        outpoint=f"{self.dice.getrandbits(256):064x}:0", at=case_run.requested_at,
                        value=base, base=base, low=base // 2, high=base,
                    )
                )  # fmt: skip
        ReachedAccount.objects.bulk_create(rows)

    def _findings(self, cases: list[Case]) -> dict[int, Finding]:
        """Two a case: one approved in most, one draft or submitted in the open ones."""
        rows = []
        for case in cases:
            for _ in range(2):
                row = Finding(
                    reference=self._reference("FIND"), case=case, severity="high",
                    statement=f"{self._word()} received 8.60 BTC.", tier=2, confidence=80,
                    drafted_by=case.owner_by, last_edited_by=case.owner_by,
                    drafted_at=case.opened_at,
                )  # fmt: skip
                row.content_hash = content_digest({"finding": row.reference})
                rows.append(row)
        Finding.objects.bulk_create(rows)
        CounterEvidence.objects.bulk_create(
            CounterEvidence(finding=row, text="Low is below high.", seen_by=self.supervisors[0])
            for row in rows
        )
        done = [row for row in rows if self._number(row.case) % OPEN_EVERY or row.pk % 2]
        approved = [row.pk for row in done]
        waits = [row.pk for row in rows if row.pk % 20 == 0]
        of: Q = Finding.objects
        of.filter(pk__in={*approved, *waits}).update(
            state="submitted", submitted_by=self.analysts[0], submitted_at=NOW
        )
        FindingApproval.objects.bulk_create(
            FindingApproval(
                finding=row, user=self.supervisors[0], decision="approve", reason="Checked.",
                content_hash=row.content_hash, at=NOW,
            )
            for row in done
        )  # fmt: skip
        of.filter(pk__in=approved).update(
            state="approved", reviewed_by=self.supervisors[0], reviewed_at=NOW
        )
        return {row.case_id: row for row in done}

    def _freezes(self, cases: list[Case], findings: dict[int, Finding]) -> None:
        """One in ten cases holds something; one in forty waits for a decision."""
        wanted = [case for case in cases if self._number(case) % 10 == 1 and case.pk in findings]
        rows = []
        for case in wanted:
            row = FreezeRequest(
                reference=self._reference("FRZ"), case=case, legal_basis="internal_suspicion",
                reason="R.", requested_by=case.owner_by, requested_at=case.opened_at,
                last_edited_by=case.owner_by,
                expires_at=NOW + timedelta(days=self.dice.randrange(5, 400)),
            )  # fmt: skip
            row.content_hash = content_digest({"freeze": row.reference})
            rows.append(row)
        FreezeRequest.objects.bulk_create(rows)
        lines = FreezeLine.objects.bulk_create(
            FreezeLine(
                freeze=row, account=self.accounts[self._number(row.case) - 1], asset_id=BTC,
                requested=10**6, finding=findings[row.case_id],
            )
            for row in rows
        )  # fmt: skip
        waits = {row.pk for row in rows if self._number(row) % 4 == 0}
        of: Q = FreezeRequest.objects.filter(pk__in=[row.pk for row in rows])
        of.update(state="submitted", submitted_at=NOW)
        of.update(state="in_review")
        FreezeApproval.objects.bulk_create(
            FreezeApproval(
                freeze=row, user=self.compliance[0], decision="approve", reason="Y.",
                content_hash=row.content_hash, at=NOW,
            )
            for row in rows
            if row.pk not in waits
        )  # fmt: skip
        of = of.exclude(pk__in=waits)
        of.update(state="approved", approved_by=self.compliance[0], approved_at=NOW)
        of.update(state="executing")
        held: Q = FreezeLine.objects.filter(freeze__in=[r.pk for r in rows if r.pk not in waits])
        held.update(state="sent")
        held.update(state="held", executed=10**6, executed_at=NOW)
        FreezeReceipt.objects.bulk_create(
            FreezeReceipt(line=line, kind="hold", external_ref=f"H-{line.pk}", base=10**6, at=NOW)
            for line in lines
            if line.freeze_id not in waits
        )
        of.update(state="active", executed_at=NOW)

    def _tasks(self, cases: list[Case]) -> None:
        Task.objects.bulk_create(
            Task(
                case=case, title=f"Ask about {self._word()}", created_by=case.owner_by,
                assignee=case.owner_by if self._number(case) % 2 else None,
                due_at=NOW + timedelta(days=self.dice.randrange(-5, 60)), created_at=NOW,
            )
            for case in cases
            if not self._number(case) % OPEN_EVERY
        )  # fmt: skip

    def _chains(self, cases: list[Case]) -> None:
        """Ten events a case, each with the hash of the one before."""
        acts = ["open_case", "start_case", *["add_wallet"] * 3, "add_suspect", *["edit_case"] * 4]
        events = []
        for case in cases:
            last = FIRST_PREVIOUS
            for seq, action in enumerate(acts, 1):
                at = case.opened_at + timedelta(minutes=seq)
                said = event_hash(
                    last, case=str(case.public_id), seq=seq, at=at, actor=case.owner_by_id,
                    actor_ip="", action=action, object=case.reference, reason="", data="{}",
                )  # fmt: skip
                events.append(
                    AuditEvent(
                        case=case, seq=seq, at=at, actor=case.owner_by, action=action,
                        object=case.reference, data="{}", prev_hash=last, hash=said,
                    )
                )  # fmt: skip
                last = said
        AuditEvent.objects.bulk_create(events, batch_size=2000)

    def _queues(self) -> None:
        """What waits beside the cases: alerts and requests."""
        rule = Rule.objects.create(
            code="BENCH", title="Bench", red_flags=["x"], parameters={}, severity="high"
        )
        Alert.objects.bulk_create(
            (
                Alert(
                    rule=rule, account=self.accounts[n % len(self.accounts)],
                    fingerprint=content_digest({"alert": n}),
                    values=[{"name": "amounts", "found": "3", "limit": "3"}] * 3,
                    window_from=NOW, window_to=NOW, fiat=self.dice.randrange(10**6),
                    severity="severe" if n % 20 == 0 else "low", rank=4 if n % 20 == 0 else 1,
                    score=30 + n % 61, raised_at=NOW - timedelta(minutes=n), last_raised_at=NOW,
                )
                for n in range(self.num_alerts)
            ),
            batch_size=2000,
        )  # fmt: skip
        InformationRequest.objects.bulk_create(
            InformationRequest(
                reference=self._reference("REQ"), agency=self.agency, liaison=self.liaison,
                agency_ref=f"HP/{n}", received_at=NOW, instrument_type="court_order",
                instrument_number=f"{n}", issued_by="Court", issued_on=date(2026, 1, 1),
                legal_basis="Code", offences="Fraud", datasets="identity",
                due_at=NOW + timedelta(days=n % 30), content_hash=content_digest({"request": n}),
            )
            for n in range(self.num_cases // 100)
        )  # fmt: skip

    def _report(self) -> dict[str, Any]:
        clients = {user: client_of(user) for user in self.users}
        open_cases: Q = Case.objects.exclude(state="closed").filter(visibility="unit")
        names: list[UUID] = list(
            open_cases.order_by("pk").values_list("public_id", flat=True)[:500]
        )
        named = Case.objects.order_by("-pk").values_list("reference", flat=True)[:50]
        return {
            "is_whole": verify_chains().is_whole,
            "cookie": settings.SESSION_COOKIE_NAME,
            "sessions": [c.cookies[settings.SESSION_COOKIE_NAME].value for c in clients.values()],
            "cases": [str(name) for name in names],
            "searches": {
                "a reference": list(named),
                "an address": [wallet.address for wallet in self.wallets[:50]],
                "words": [*WORDS, *(f"{word} {WORDS[0]}" for word in WORDS)],
            },
            "rows": {
                model.__name__: model._default_manager.count()
                for model in (Case, Wallet, Finding, FreezeRequest, Task, Alert, AuditEvent)
            },
        }


def make_ledger(num_cases: int) -> tuple[list[str], int]:
    """A ledger under FIU_HOME: addresses of it to search for, and how many it has."""
    store_generated(generate(TRANSACTIONS * num_cases), settings.FIU_HOME)
    ledger = open_ledger(settings.FIU_HOME, LEDGER)
    stored_clusters(ledger, ())
    dice = random.Random(SEED)
    some = dict.fromkeys(dice.randrange(ledger.num_addresses) for _ in range(50))
    texts = ledger.address_texts(some)
    parsed = reads.parse_address(texts[0])
    assert reads.address_summary(parsed.ledger, parsed.canonical) is not None
    return texts, ledger.num_addresses


def main() -> None:
    num_cases, num_users, num_alerts = (int(text) for text in sys.argv[1:4])
    prepare(lambda line: None)
    world = Maker(num_cases, num_users, num_alerts).make()
    on_chain, world["num_addresses"] = make_ledger(num_cases)
    world["searches"]["an address of the chain"] = on_chain
    print(json.dumps(world))


if __name__ == "__main__":
    main()
