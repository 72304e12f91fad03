"""One sealed case with everything in it, and everybody who might ask for it.

Every text of the case carries a mark: HOUSE for what never leaves it, SHARED for what the release
tells the officers of one agency. And every text would run on a page that does not escape it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.test import Client
from django.utils import timezone

from cases.models import (
    Alert,
    BookRun,
    Case,
    CaseAccess,
    CohortMember,
    ExchangeAccount,
    Finding,
    FreezeRequest,
    InboxView,
    InformationRequest,
    LegalInstrument,
    OfficerAlarm,
    Preservation,
    Referral,
    ReleaseQuestion,
    SecondLook,
    SelfLookup,
    Separation,
    SharedRelease,
    ShareGrant,
    Suspect,
    TagConflict,
    Wallet,
    WatchNotice,
    Webhook,
    WebhookDelivery,
)
from cases.policy import Actor
from cases.queries.book_traces import RecordedBooks
from cases.queries.cases import case_shell
from cases.queries.flow import case_flow
from cases.services import outbox
from cases.services.access import break_glass
from cases.services.agencies import approve_agency, propose_agency
from cases.services.alerts import link_alert
from cases.services.approval_policies import propose_policy
from cases.services.cases import block_user, grant_access, open_case, start_case
from cases.services.clocks import propose_clock
from cases.services.cohort_samples import draw_samples
from cases.services.cohorts import build_cohort
from cases.services.evidence import acquire_evidence
from cases.services.findings import (
    collect_findings,
    reject_finding,
    submit_finding,
    withdraw_finding,
)
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    cancel_freeze,
    flag_decisions_due,
    place_hold,
    reject_freeze,
    request_extension,
    request_freeze,
    request_release,
    request_seizure,
    submit_freeze,
    triage_freeze,
)
from cases.services.freezes import (
    content_hash_of as freeze_hash,
)
from cases.services.identities import assert_identity
from cases.services.instruments import UploadedBytes, record_instrument, verify_instrument
from cases.services.legal_rows import propose_legal_row
from cases.services.officers import OfficerSpec, propose_officer
from cases.services.operations import open_operation, put_case
from cases.services.outbound import draft_outbound
from cases.services.questions import ask_about_release
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    content_hash_of,
    draft_referral,
    package_referral,
    recall_referral,
    redact_referral,
    send_referral,
)
from cases.services.relations import relate_case
from cases.services.reports import draft_report
from cases.services.requests import RequestSpec, link_request, record_request
from cases.services.rules import propose_rule_change
from cases.services.suspects import add_suspect, link_account
from cases.services.tags import propose_tag
from cases.services.tasks import add_note, add_task
from cases.services.traces import queue_trace
from cases.services.wallets import add_wallet
from cases.services.watches import add_watch
from fiu.models import ApiToken, User
from fiu.people import give_second_factor
from fiu.tokens import make_token
from tests import hostile
from tests.blockmaker import BlockChain, address, pay
from tests.casework import (
    BTC,
    finding_fields,
    finish_run,
    make_account,
    make_actor,
    make_agency,
    make_approved_finding,
    make_balance,
    make_deposit_address,
    make_finding,
    make_price,
    make_user,
)
from tests.conftest import client_of
from tests.fakes import FakeExchange
from tests.integration.matrix.asking import Answer, ask
from tests.officer_desk import verify_account
from tests.report_desk import make_alert, make_prices
from tests.scored import make_model
from tracing.engine.bookseal import BookQuestion, sealed_answer
from tracing.engine.resolve import trace_spec
from tracing.engine.trace import trace
from tracing.jobs import TraceParameters
from tracing.ledgers import load_blocks, open_ledger

HOUSE_MARK, SHARED_MARK = "Qxhouse", "Qxshared"
HOUSE, SHARED = HOUSE_MARK + hostile.SHORT, SHARED_MARK + hostile.SHORT
LEDGER = "bitcoin-regtest"
SEED, CHANGE, DEPOSIT = address(701), address(702), address(703)
AHEAD = -3600.0  # seconds: the second factor stays fresh however slow the machine
FREEZES = (
    "draft", "submitted", "in_review", "provisional", "executing", "active", "decision_due",
    "failed", "rejected", "cancelled",
)  # fmt: skip


@dataclass(eq=False)
class World:
    """The people, their browsers, and the addresses of everything in the case."""

    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    variants: dict[str, list[Any]] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    references_of_release: list[str] = field(default_factory=list)
    references_of_request: list[str] = field(default_factory=list)
    pages_before: dict[tuple[str, str], Answer] = field(default_factory=dict)
    not_found: dict[str, bytes] = field(default_factory=dict)  # by who asks
    no_route: bytes = b""  # what programs are told where nothing is

    def actor(self, name: str) -> Actor:
        return make_actor(self.users[name])

    @property
    def case(self) -> Case:
        return Case.objects.get(public_id=self.ids["case_id"])

    def marks(self, *without: str) -> list[bytes]:
        """What no answer to a stranger may hold; `without` leaves some out."""
        named = {HOUSE_MARK, SHARED_MARK, *self.references, SEED, CHANGE, DEPOSIT}
        for parameter, values in self.variants.items():
            named |= {str(each) for each in values} if parameter.endswith("_id") else set()
        named |= {str(each) for key, each in self.ids.items() if key.endswith("_id")}
        # A number, a token, and people: whom one may choose from lists is no secret of the case.
        others = ("evidence_id", "token_id", "person_id", "walled_id", "policy_id",
                  "clock_id", "delivery_id", "change_id", "agency_entry_id", "officer_id",
                  "alarm_id", "legal_id", "model_id", "look_id")  # fmt: skip
        named -= {str(self.ids[name]) for name in others}
        return sorted(each.encode() for each in named - set(without))


def make_people(world: World) -> None:
    """Everybody of the matrix, signed in with a fresh second factor unless the name says not."""
    agency = make_agency(name="Federal Task Force", short_name="FTF-1")
    other = make_agency(name="Harbour Bureau", short_name="HB-1")
    roles: dict[str, tuple[str, dict[str, Any]]] = {
        "analyst_member": ("analyst", {}),
        "analyst_reader": ("analyst", {}),
        "analyst_outsider": ("analyst", {}),
        "analyst_blocked": ("analyst", {}),
        "analyst_expired": ("analyst", {}),
        "supervisor_member": ("supervisor", {}),
        "supervisor_outsider": ("supervisor", {}),
        "compliance": ("compliance", {}),
        "compliance_blocked": ("compliance", {}),
        "auditor": ("auditor", {}),
        "admin": ("admin", {}),
        "liaison_granted": ("liaison", {"agency": agency}),
        "liaison_same_agency": ("liaison", {"agency": agency}),
        "liaison_revoked": ("liaison", {"agency": agency}),
        "liaison_expired": ("liaison", {"agency": agency}),
        "liaison_other_agency": ("liaison", {"agency": other}),
        "liaison_without_factor": ("liaison", {"agency": agency}),
        "deactivated": ("analyst", {}),
        "without_factor": ("analyst", {}),
        "factor_not_shown": ("analyst", {}),
    }
    for name, (role, fields) in roles.items():
        user = make_user(role, username=name.replace("_", "-"), **fields)
        is_unproven = name in ("without_factor", "factor_not_shown", "liaison_without_factor")
        if name != "without_factor" and name != "liaison_without_factor":
            give_second_factor(user)
        world.users[name] = user
        world.clients[name] = client_of(user, second_factor_age=None if is_unproven else AHEAD)
    world.clients["anonymous"] = Client()
    granted, member = world.clients["liaison_granted"], world.clients["analyst_member"]
    house, door = settings.SESSION_COOKIE_NAME, settings.LIAISON_COOKIE_NAME
    world.clients["liaison_at_the_house"] = Client()
    world.clients["liaison_at_the_house"].cookies[house] = granted.cookies[door].value
    world.clients["analyst_at_the_liaisons"] = Client()
    world.clients["analyst_at_the_liaisons"].cookies[door] = member.cookies[house].value


def make_officer(world: World) -> None:
    """An agency in force, and an officer of it who waits for the second person."""
    senior, compliance = world.actor("supervisor_member"), world.actor("compliance")
    known = propose_agency(
        name="Federal Task Force", short_name="FTF-1", kind="police", country="XX",
        domains=["ftf.example"], call_back_number="+1 202 555 0100", number_source="Directory.",
        reason="Known.", agency_id=world.users["liaison_granted"].agency_id, by=senior,
    )  # fmt: skip
    approve_agency(known, content_hash=known.content_hash, reason="Read it.", by=compliance)
    for name in ("liaison_granted", "liaison_revoked", "liaison_expired"):
        verify_account(world.users[name])
    officer = propose_officer(
        OfficerSpec(
            agency_id=known.agency_id or 0, username="newcomer", first_name="New",
            last_name="Comer", position="Agent", email="new@ftf.example", spoke_with="The desk",
            called_at=timezone.now(), valid_until=timezone.now().date() + timedelta(days=30),
            reason="Called.", document=UploadedBytes("paper.pdf", b"%PDF-1.7 paper"),
        ),
        by=senior,
    )  # fmt: skip
    alarm = OfficerAlarm.objects.create(
        user=world.users["liaison_other_agency"], kind="requests", day=timezone.now().date(),
        num_seen=30, num_usual=10, raised_at=timezone.now(),
    )  # fmt: skip
    world.ids |= {
        "agency_entry_id": known.public_id, "officer_id": officer.public_id,
        "alarm_id": alarm.public_id,
    }  # fmt: skip


def make_chain(home: Path) -> str:
    """A small ledger: SEED pays DEPOSIT and CHANGE. Returns the txid of the payment."""
    chain = BlockChain()
    first = chain.add()
    split = pay([(first.txs[0].txid, 0)], [(SEED, 3_000_000), (CHANGE, 1_000)])
    chain.add(split)
    spent = pay([(split.txid, 0)], [(DEPOSIT, 2_000_000), (CHANGE, 999_000)])
    chain.add(spent)
    file = home / "blk00000.dat"
    file.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(home, "bitcoin", [file])
    return spent.txid


def make_world(home: Path, look_around: Callable[[World], None]) -> World:
    """Everything, through the ordinary services; `look_around` runs before the case exists.

    Cost: about 2 s.
    """
    world = World()
    make_people(world)
    make_price()
    make_prices()  # of no case, and there before it
    make_chain(home)
    accounts = [
        make_account(
            f"{HOUSE}{4400 + number}", holder_name=f"{HOUSE if number else SHARED} {number}"
        )
        for number in range(len(FREEZES))
    ]
    for account in accounts:
        make_balance(account, 500_000_000)
    make_deposit_address(accounts[0], DEPOSIT)
    for name, client in world.clients.items():
        world.not_found[name] = ask(client, "GET", "/nothing/").text
    world.no_route = ask(Client(), "GET", "/api/v1/nothing").text
    make_user("supervisor", username="hurried")  # before the look: lists of people name everybody
    proposed = propose_policy(
        action="approve_freeze", amount_over=Decimal(10**9), min_approvals=2, expires_after=24,
        reason="Large ones.", by=world.actor("supervisor_member"),
    )  # fmt: skip
    world.ids["policy_id"] = proposed.public_id  # of no case, and there before it
    world.ids["clock_id"] = propose_clock(
        act="freeze", length=180, unit="days", source="A law.", reason="As it says.", country="XX",
        by=world.actor("supervisor_member"),
    ).public_id  # fmt: skip
    make_officer(world)
    world.ids["legal_id"] = propose_legal_row(
        instrument="subpoena", country="XX", datasets=["kyc"], note="As the law says.",
        source="A law.", reason="It changed.", by=world.actor("supervisor_member"),
    ).public_id  # fmt: skip
    hook = Webhook.objects.create(
        name="Core", url="https://core.example/", is_on=False, added_at=timezone.now()
    )
    told = WebhookDelivery.objects.create(
        webhook=hook, event="freeze", subject=uuid4(), created_at=timezone.now()
    )
    world.ids["delivery_id"] = told.pk
    changed = propose_rule_change(
        "structuring", parameters={"min_count": 4}, severity="medium", switch_on=True,
        reason="Too many.", by=world.actor("supervisor_member"),
    )  # fmt: skip
    world.ids |= {"change_id": changed.public_id, "rule": "structuring"}
    world.ids["model_id"] = make_model(by=world.actor("supervisor_member")).public_id
    User.objects.filter(pk=world.users["deactivated"].pk).update(is_active=False)
    world.ids["look_id"] = make_look().public_id
    look_around(world)
    by = world.actor("analyst_member")
    case = open_case(
        title=f"{HOUSE} title", case_type="darknet", priority="P2", summary=f"{HOUSE} summary",
        visibility="sealed", by=by,
    )  # fmt: skip
    start_case(case, by=by)
    world.ids["case_id"] = case.public_id
    make_team(world, case)
    wallet = add_wallet(
        case, address=SEED, role="bank", label=f"{SHARED} wallet",
        provenance="analyst", provenance_note=f"{HOUSE} note", by=by,
    )  # fmt: skip
    suspect = add_suspect(
        case, kind="persona", standing="suspect", role="administrator",
        names=[("ALIA", f"{SHARED} alias")], note=f"{HOUSE} suspect", by=by,
    )  # fmt: skip
    link_account(suspect, accounts[0].uid, f"{HOUSE} basis", by=by)
    make_runs(world, case, home, by)
    make_cohort(world, case, accounts[0], by)
    make_book_run(world, case, accounts[0], by)
    findings = make_findings(world, case, wallet, suspect, by)
    freezes = make_freezes(world, case, accounts, findings["approved"], by)
    make_instruments(world, case, by)
    release = make_referrals(world, case, findings["approved"], freezes["active"], by)
    request = make_request(world, case, by)
    alert = make_alert(f"{HOUSE}4499")
    link_alert(alert, case, by=by)
    report = draft_report(case, [alert], by=world.actor("compliance"))
    world.ids |= {
        "wallet_id": wallet.public_id,
        "suspect_id": suspect.public_id,
        "account_id": accounts[0].public_id,
        "finding_id": findings["submitted"].public_id,
        "evidence_id": findings["submitted"].counter_evidence.order_by("pk")[0].pk,
        "freeze_id": freezes["in_review"].public_id,
        "release_id": release.public_id,
        "request_id": request.public_id,
        "item": "identity",
        "question_id": make_question(world, release).public_id,
        "watermark": release.grants.order_by("pk")[0].watermark,
        "alert_id": alert.public_id,
        "report_id": report.public_id,
        "subject_id": report.subjects.get().public_id,
        "number": 1,
        "name": "dossier.json",
        "token": "forged",
        "token_id": make_live_token(world.users["analyst_member"]),
        "pk": 999_999_999,
    }
    flow = case_flow(case, case.runs.get(run=world.ids["run_id"]), case_shell(case, by).money)
    assert flow is not None
    world.ids["node"] = next(iter(flow.places))
    world.references += [
        case.reference, suspect.reference, release.number,
        *(each.reference for each in Finding.objects.filter(case=case)),
        *(each.reference for each in FreezeRequest.objects.filter(case=case)),
        *(each.reference for each in Referral.objects.filter(case=case)),
    ]  # fmt: skip
    referral = Referral.objects.get(public_id=world.ids["referral_id"])
    world.references_of_request = [request.reference, str(request.public_id)]
    world.references.append(request.reference)
    world.references_of_release = [release.number, referral.reference]
    world.variants |= {
        "finding_id": [each.public_id for each in Finding.objects.filter(case=case)],
        "freeze_id": [each.public_id for each in FreezeRequest.objects.filter(case=case)],
        "referral_id": [each.public_id for each in Referral.objects.filter(case=case)],
        "instrument_id": [each.public_id for each in LegalInstrument.objects.filter(case=case)],
        "account_id": [account.public_id for account in accounts],
    }
    make_work(world, case, freezes["active"], by)
    make_seizure(world, freezes["decision_due"], by)
    time.sleep(max(0.0, (freezes["decision_due"].expires_at - timezone.now()).total_seconds()))
    flag_decisions_due()
    return world


def make_live_token(user: User) -> UUID:
    """A token of the person's own."""
    make_token(user, "Nightly report", 30, by=make_actor(user))
    return ApiToken.objects.get(user=user).public_id


def make_seizure(world: World, freeze: FreezeRequest, by: Actor) -> None:
    """A seizure whose address was not called back about yet."""
    verified = LegalInstrument.objects.get(case=freeze.case, verified_by__isnull=False)
    agency = world.users["liaison_other_agency"].agency
    assert agency is not None
    seizure = request_seizure(
        freeze, amounts={freeze.lines.get().pk: 1}, agency_id=agency.pk,
        destination=f"{HOUSE_MARK}-address", instrument_id=verified.pk, reason=f"{HOUSE} order",
        by=by,
    )  # fmt: skip
    world.ids["seizure_id"] = seizure.public_id


def make_work(world: World, case: Case, freeze: FreezeRequest, by: Actor) -> None:
    """An operation, tasks, a note, an exhibit, and what waits for a decision on a freeze."""
    operation = open_operation(
        code_name=f"{HOUSE} CODE", name=f"{HOUSE} name", starts_on=date(2025, 1, 2),
        by=world.actor("supervisor_member"),
    )  # fmt: skip
    put_case(case, operation, reason=f"{HOUSE} joined", by=world.actor("supervisor_member"))
    tasks = [
        add_task(case, title=f"{HOUSE} task {n}", assignee_id=who, by=by)
        for n, who in enumerate((None, by.user_id))
    ]
    tag = propose_tag(
        Wallet.objects.filter(case=case).earliest("pk"), label=f"{HOUSE} label", category="market",
        confidence="forensic", source=f"{HOUSE} page", reason=f"{HOUSE} doubt", by=by,
    )  # fmt: skip
    world.ids["tag_id"] = tag.public_id
    conflict = TagConflict.objects.create(
        case=case, ledger=tag.ledger, address=tag.address, keep=f"{HOUSE} keeper",
        sides=[[f"{HOUSE} keeper", "market", 50, "forensic", f"{HOUSE} pack", "0" * 64, 1]],
        claims_sha256="0" * 64, asked_by_id=by.person, asked_at=timezone.now(),
        reason=f"{HOUSE} why",
    )  # fmt: skip
    world.ids["conflict_id"] = conflict.public_id
    separation = Separation.objects.create(
        case=case, ledger=tag.ledger, first=tag.address, second=f"{tag.address}~", joins=[],
        basis=f"{HOUSE} letter", asked_by_id=by.person, asked_at=timezone.now(),
        reason=f"{HOUSE} two owners",
    )  # fmt: skip
    world.ids["separation_id"] = separation.public_id
    other = add_suspect(
        case, kind="persona", standing="suspect", role="", names=[("ALIA", f"{HOUSE} alias")],
        by=by,
    )  # fmt: skip
    link = assert_identity(
        case.suspects.earliest("pk"), other, basis=f"{HOUSE} same", source_grade="B",
        information_grade="2", confidence=60, by=by,
    )  # fmt: skip
    world.ids["link_id"] = link.public_id
    note = add_note(case, text=f"{HOUSE} note {hostile.TOGETHER}", by=by)
    exhibit = acquire_evidence(
        case, document=UploadedBytes(f"{HOUSE}.txt", HOUSE.encode()), kind="document",
        title=f"{HOUSE} exhibit", source=f"{HOUSE} source", source_grade="A",
        information_grade="1", by=by,
    )  # fmt: skip
    line = freeze.lines.get()
    FreezeRequest.objects.filter(pk=freeze.pk).update(expires_at=timezone.now() + timedelta(days=5))
    freeze.refresh_from_db()
    extension = request_extension(
        freeze, basis="internal_suspicion", until=timezone.now() + timedelta(days=9),
        reason=f"{HOUSE} longer", by=by,
    )  # fmt: skip
    release = request_release(freeze, amounts={line.pk: 1}, reason=f"{HOUSE} part", by=by)
    world.ids |= {
        "operation_id": operation.public_id, "task_id": tasks[1].public_id,
        "note_id": note.public_id, "exhibit_id": exhibit.public_id, "line_id": line.public_id,
        "extension_id": extension.public_id, "freeze_release_id": release.public_id,
        "kind": "task", "subject": tasks[0].public_id,
    }  # fmt: skip
    second = open_case(
        title=f"{HOUSE} second", case_type="darknet", priority="P2", visibility="sealed", by=by
    )
    head = world.actor("compliance")
    grant_access(second, world.users["supervisor_member"].pk, "write", by=head)
    grant_access(second, world.users["analyst_reader"].pk, "read", by=head)
    for name in ("analyst_blocked", "compliance_blocked"):
        block_user(second, world.users[name].pk, f"{HOUSE} conflict", by=head)
    relation = relate_case(case, second, kind="duplicate", reason=f"{HOUSE} same", by=by)
    world.ids |= {"relation_id": relation.public_id, "into_id": second.public_id}
    watch = add_watch("freeze", freeze.public_id, by=world.actor("analyst_member"))
    notice = WatchNotice.objects.create(watch=watch, kind="state", at=timezone.now())
    world.ids |= {
        "watch_id": watch.public_id, "notice_id": notice.public_id, "watch_kind": "freeze",
        "watched_id": freeze.public_id,
    }  # fmt: skip
    world.references += [operation.reference]


def make_team(world: World, case: Case) -> None:
    """Who is named on the case, who is shut out of it, and whose time is over."""
    head = world.actor("compliance")
    for name in (
        "supervisor_member", "analyst_blocked", "analyst_expired", "without_factor",
        "factor_not_shown",
    ):  # fmt: skip
        grant_access(case, world.users[name].pk, "write", by=head)
    # Named once, and the account was closed since.
    CaseAccess.objects.create(case=case, user=world.users["deactivated"], level="write")
    grant_access(case, world.users["analyst_reader"].pk, "read", by=head)
    for name in ("analyst_blocked", "compliance_blocked"):
        block_user(case, world.users[name].pk, f"{HOUSE} conflict", by=head)
    world.ids |= {
        "person_id": world.users["analyst_reader"].public_id,
        "walled_id": world.users["analyst_blocked"].public_id,
    }
    hurried = User.objects.get(username="hurried")
    emergency = break_glass(case.reference, reason=f"{HOUSE} hurry", by=make_actor(hurried))
    world.ids["emergency_id"] = emergency.public_id
    lookup = SelfLookup.objects.create(user=hurried, what="suspect", case=case, at=timezone.now())
    world.ids["lookup_id"] = lookup.public_id
    member = world.users["analyst_member"]
    view = InboxView.objects.create(user=member, name=HOUSE_MARK, filters="type=task")
    world.ids["view_id"] = view.public_id
    CaseAccess.objects.filter(user__in=(world.users["analyst_expired"], hurried)).update(
        expires_at=timezone.now() - timedelta(minutes=1)
    )


def make_cohort(world: World, case: Case, account: ExchangeAccount, by: Actor) -> None:
    """A cohort with one member who may leave the house."""
    cohort = build_cohort(case, platform=f"{HOUSE} platform", by=by)
    member = CohortMember.objects.create(
        cohort=cohort, customer=account.customer, account=account, country="XX", tier=1,
        is_exportable=True, num_payments=1, amount=10_000, first_at=timezone.now(),
        last_at=timezone.now(),
    )  # fmt: skip
    [sample] = draw_samples(cohort, by=by)
    world.ids |= {
        "cohort_id": cohort.public_id, "member_id": member.public_id,
        "sampled_id": sample.members.get().public_id,
    }  # fmt: skip


def make_book_run(world: World, case: Case, account: ExchangeAccount, by: Actor) -> None:
    """A sealed answer out of our books; the account has no record."""
    result = sealed_answer(BookQuestion("forward", "fifo", (), (), 0), RecordedBooks())
    kept = BookRun.objects.create(
        case=case, account=account, what="deposits", result=result, sealed_by_id=by.person,
        result_sha256=result["seal"]["result_sha256"], sealed_at=timezone.now(),
    )  # fmt: skip
    world.ids["book_run_id"] = kept.public_id


def make_runs(world: World, case: Case, home: Path, by: Actor) -> None:
    """A traced and collected run, one that waits, one to its paths."""
    ledger = open_ledger(home, LEDGER)
    asked = TraceParameters(ledger=LEDGER, seeds=(SEED,), policy="fifo")
    run = queue_trace(case, asked, by=by)
    walls = [(DEPOSIT, "exchange_deposit")]
    finish_run(run.run, trace(trace_spec(asked, ledger, walls), ledger).json)
    collect_findings(run.run)
    waiting = queue_trace(case, TraceParameters(ledger=LEDGER, seeds=(SEED,), policy="lifo"), by=by)
    world.ids["run_id"] = run.run
    world.variants["run_id"] = [run.run, waiting.run]


def make_findings(
    world: World, case: Case, wallet: Wallet, suspect: Suspect, by: Actor
) -> dict[str, Finding]:
    """One of each state."""
    second = world.actor("supervisor_member")

    def texts(state: str, mark: str = HOUSE) -> dict[str, Any]:
        fields = finding_fields(
            wallets=[wallet],
            suspects=[suspect],
            counter_evidence=[("analyst", f"{mark} against {hostile.TOGETHER}")],
        )
        named = ("statement", "confidence_reason", "assumptions", "alternatives")
        return fields | {name: f"{mark} {state} {name}" for name in named}

    found = {
        "draft": make_finding(case, by, **texts("draft")),
        "submitted": submit_finding(make_finding(case, by, **texts("submitted")), by=by),
        "approved": make_approved_finding(case, by, second, **texts("approved", SHARED)),
    }
    found["rejected"] = reject_finding(
        submit_finding(make_finding(case, by, **texts("rejected")), by=by),
        reason=f"{HOUSE} no", by=second,
    )  # fmt: skip
    found["withdrawn"] = withdraw_finding(
        make_approved_finding(case, by, second, **texts("withdrawn")),
        reason=f"{HOUSE} gone", by=second,
    )  # fmt: skip
    return found


def make_freezes(
    world: World, case: Case, accounts: list[ExchangeAccount], finding: Finding, by: Actor
) -> dict[str, FreezeRequest]:
    """One freeze of each state, each of another account."""
    second = world.actor("compliance")
    found = {}
    exchange = FakeExchange(
        free={(account.uid, BTC): 500_000_000 for account in accounts}, depth=99
    )
    account_of = dict(zip(FREEZES, accounts, strict=False))
    account_of["active"], account_of["draft"] = accounts[0], account_of["active"]

    def drafted(state: str, **fields: Any) -> FreezeRequest:
        values = {
            "legal_basis": "internal_suspicion", "restriction": "withdrawals",
            "urgency": "routine", "agency_id": None, "reason": f"{HOUSE} {state}",
            "lines": [LineSpec(account_of[state].pk, BTC, 1_000, finding.pk)],
        }  # fmt: skip
        return request_freeze(case, **(values | fields), by=by)

    for state in FREEZES:
        if state == "provisional":
            found[state] = place_hold(
                case, lines=[LineSpec(account_of[state].pk, BTC, 1_000)], urgency="urgent",
                reason=f"{HOUSE} hold", by=world.actor("supervisor_member"),
            )  # fmt: skip
            continue
        soon = timezone.now() + timedelta(seconds=0.5) if state == "decision_due" else None
        freeze = found[state] = drafted(state, expires_at=soon)
        if state == "cancelled":
            cancel_freeze(freeze, reason=f"{HOUSE} back", by=by)
        if state in ("draft", "cancelled"):
            continue
        submit_freeze(freeze, by=by)
        if state == "submitted":
            continue
        triage_freeze(freeze, by=by)
        if state == "rejected":
            reject_freeze(freeze, reason=f"{HOUSE} no", by=second)
        elif state != "in_review":
            approve_freeze(
                freeze, content_hash=freeze_hash(freeze), reason=f"{HOUSE} yes", by=second
            )
        if state in ("active", "decision_due", "failed"):
            exchange.script = ["refuse"] if state == "failed" else []
            outbox.send_due_messages(exchange)
    for freeze in found.values():
        freeze.refresh_from_db()
    return found


def make_instruments(world: World, case: Case, by: Actor) -> None:
    """An order that waits for its second person, and one that is verified."""
    document = UploadedBytes("order.pdf", b"%PDF-1.4 " + HOUSE.encode())
    made = [
        record_instrument(
            case, type="court_order", number=f"{HOUSE}-{number}", agency_id=None,
            issued_by=f"{HOUSE} court", issued_on=date(2025, 1, 2), valid_until=None,
            jurisdiction="XX", document=document, by=by,
        )
        for number in (1, 2)
    ]  # fmt: skip
    verify_instrument(made[1], by=world.actor("supervisor_member"))
    world.ids["instrument_id"] = made[0].public_id


def make_look() -> SecondLook:
    """Of an alert that somebody dismissed: it belongs to no case and is everybody's to judge."""
    hurried = User.objects.get(username="hurried")
    alert = make_alert("NQ-440017")
    now = timezone.now()
    Alert.objects.filter(pk=alert.pk).update(
        state="dismissed", severity="low", dismissed_by=hurried, closed_at=now
    )
    return SecondLook.objects.create(alert=alert, drawn_at=now, first_by=hurried)


def make_question(world: "World", release: SharedRelease) -> ReleaseQuestion:
    """An officer's question about the release, unanswered."""
    by = world.actor("liaison_granted")
    return ask_about_release(release.public_id, about="F1", text=f"{SHARED} how sure?", by=by)


def make_referrals(
    world: World, case: Case, finding: Finding, freeze: FreezeRequest, by: Actor
) -> SharedRelease:
    """A draft, one in review, a recalled one, and one that was sent to three officers."""
    agency = world.users["liaison_granted"].agency
    assert agency is not None
    second, third = world.actor("supervisor_member"), world.actor("compliance")
    officers = [
        world.users[name].pk for name in ("liaison_granted", "liaison_revoked", "liaison_expired")
    ]

    def drafted(mark: str) -> Referral:
        return draft_referral(
            case, agency_id=agency.pk, kind="spontaneous", subject=f"{mark} subject",
            summary=f"{mark} answer", purpose=f"{mark} purpose", legal_gateway="Art. 1",
            caveats=f"{mark} caveat", tlp="AMBER", handling_code="H1", findings=[finding],
            freezes=[freeze], by=by,
        )  # fmt: skip

    def sent(mark: str, to: list[int]) -> Referral:
        referral = redact_referral(drafted(mark), redactions={}, by=by)
        shown = content_hash_of(referral)
        approve_referral(referral, content_hash=shown, reason=f"{HOUSE} yes", by=second)
        clear_referral(referral, content_hash=shown, reason=f"{HOUSE} yes", by=third)
        package_referral(referral, by=second)
        until = timezone.now() + timedelta(days=30)
        return send_referral(referral, liaison_ids=to, expires_at=until, by=second)

    referral = sent(SHARED, officers)
    drafted(HOUSE)
    redact_referral(drafted(HOUSE), redactions={}, by=by)
    recall_referral(sent(HOUSE, officers[:1]), reason=f"{HOUSE} recalled", by=third)
    grants = ShareGrant.objects.filter(release__referral=referral)
    grants.filter(liaison=world.users["liaison_revoked"]).update(revoked_at=timezone.now())
    grants.filter(liaison=world.users["liaison_expired"]).update(expires_at=timezone.now())
    world.ids["referral_id"] = referral.public_id
    release: SharedRelease = referral.releases.get()
    return release


def make_request(world: World, case: Case, by: Actor) -> InformationRequest:
    """What an officer of the agency asked, put into the case; nobody took it up yet."""
    asked = record_request(
        RequestSpec(
            agency_ref=f"{SHARED} file", instrument_type="court_order",
            instrument_number=f"{SHARED} order", issued_by=f"{SHARED} court",
            issued_on=date(2025, 1, 2), legal_basis=f"{SHARED} law",
            offences=f"{SHARED} offence", background=f"{SHARED} background",
            identifiers=DEPOSIT, datasets=("balances",),
            due_at=timezone.now() + timedelta(days=5),
            document=UploadedBytes("order.pdf", b"%PDF-1.4 " + SHARED.encode()),
        ),
        by=world.actor("liaison_granted"),
    )  # fmt: skip
    now = timezone.now()
    kept = Preservation.objects.create(
        request=asked, accounts=[f"{HOUSE}4400"], starts_at=now, until=now + timedelta(days=90),
        source="A law.", started_by_id=by.person,
    )  # fmt: skip
    Preservation.objects.filter(pk=kept.pk).update(
        state="ended", ended_by=by.person, ended_at=now, end_reason=f"{HOUSE} end"
    )
    world.ids["preservation_id"] = kept.public_id
    world.ids["outbound_id"] = draft_outbound(
        case, kind="exchange", recipient=f"{HOUSE} exchange", way="email",
        legal_basis=f"{HOUSE} law", subject=f"{HOUSE} subject", text=f"{HOUSE} question",
        due_on=(now + timedelta(days=9)).date(), by=by,
    ).public_id  # fmt: skip
    return link_request(asked, case, by=by)


def missing(ids: dict[str, Any]) -> dict[str, Any]:
    """The same parameters, naming nothing that exists."""
    named = {key: value for key, value in ids.items() if not isinstance(value, UUID)}
    return (
        named
        | {key: uuid4() for key in ids if key.endswith("_id") or key not in named}
        | {"evidence_id": 999_999_999, "rule": "no-such-rule"}
    )
