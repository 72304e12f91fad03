"""The demo's casework, made through the ordinary services, each step at its moment of the past.

It opens mid-work, nine days after the agency's letter: a run sealed, two findings approved and one
to review, two freezes executed of which one ends in 40 hours, part of the other to be lifted, a
release to each of two agencies of which one was read, a tag that has moved since, a suspicion
report that runs towards its day, and a case in which nobody has traced yet.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases.models import (
    Alert,
    Balance,
    Case,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    Finding,
    FreezeRequest,
    HouseTag,
    InformationRequest,
    OutboxMessage,
    Referral,
    SharedRelease,
)
from cases.policy import Actor, Role
from cases.queries.shared import release_for, releases_for
from cases.request_words import CHECKS
from cases.services.alerts import link_alert
from cases.services.cases import grant_access, open_case, start_case
from cases.services.clocks import approve_clock, propose_clock
from cases.services.cohorts import build_cohort
from cases.services.evidence import acquire_evidence
from cases.services.findings import (
    AmountSpec,
    approve_finding,
    collect_findings,
    draft_finding,
    edit_finding,
    mark_seen,
    submit_finding,
)
from cases.services.freezes import (
    LineSpec,
    approve_freeze,
    request_freeze,
    request_release,
    submit_freeze,
    triage_freeze,
)
from cases.services.instruments import UploadedBytes, record_instrument, verify_instrument
from cases.services.operations import open_operation, put_case, start_operation
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    draft_referral,
    package_referral,
    redact_referral,
    send_referral,
)
from cases.services.reports import draft_report
from cases.services.requests import (
    RequestSpec,
    accept_request,
    check_request,
    link_request,
    record_request,
    release_response,
    start_preservation,
    start_verification,
    verify_requester,
)
from cases.services.suspects import add_name, add_suspect, link_account
from cases.services.tags import activate_tag, propose_tag
from cases.services.tasks import add_note, add_task
from cases.services.traces import queue_trace, watch_drift
from cases.services.wallets import add_wallet, add_wallets
from cases.states import OPEN_ALERT_STATES
from cases.tasks import send_outbox_task
from fiu.demo.case_file import CaseFile
from fiu.demo.clock import PastClock
from fiu.demo.exchange import BTC
from fiu.demo.installation import load_next_pack
from fiu.demo.officers import ask_for_an_account, know_officers
from fiu.demo.platforms import PACKAGES
from fiu.demo.rows import account_number
from fiu.demo.timeline import WEEK, block_time
from fiu.models import Agency, User
from tracing import jobs

LEDGER = "bitcoin-regtest"
ANSWER_SECONDS = 60
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EXECUTED = 5 * DAY + 18 * HOUR + timedelta(minutes=53)  # how long ago; the minute is priced
DETECTED = 20 * HOUR  # how long ago; less than a day, else the nightly run is due at once
REPORT_DAYS = 6  # from the first alert, so that a report falls due in five days
COURIER_ENDS = 40 * HOUR  # so that its decision is asked for on the first day
MARKET_ENDS = 13 * DAY
ANSWER_DUE = 20 * HOUR
REGISTRAR_FEE = 180_000  # of the one payment to Namewharf
TAGGED = 2  # of the bank's wallets
OPERATOR_CASE = "Obelisk Market: from the bank to its operator"
SELLERS_CASE = "Obelisk Market: sellers who cash out here"
PLATFORM_CASE = "Lanternbox: payment wallets"


LETTER = """Federal Narcotics Task Force, 2025-0417

We ask the exchange to name the accounts that received payouts of Obelisk Market, to hold what is
left on them, and not to contact their holders before the action day.

Annex 2: wallets of the market's bank. Annex 3: its fee wallet. Annex 5: orders of the swap service.
"""


class Desk:
    """The demo people as services know them, each with a fresh second factor."""

    def __getattr__(self, name: str) -> Actor:
        user = User.objects.get(username=name)
        return Actor(
            user_id=user.pk,
            role=Role(user.role),
            agency_id=user.agency_id,
            address="127.0.0.1",
            mfa_at=timezone.now(),
            may_view_reports=user.may_view_reports,
        )


@transaction.atomic
def open_cases(clock: PastClock) -> bool:
    """Whom the unit knows, what one agency asks, and the three cases; False when they stand."""
    desk = Desk()
    if Case.objects.filter(title=OPERATOR_CASE).exists():
        return False
    know_officers(desk, clock)
    _time_reports(clock, desk)
    with clock.before(9 * DAY + 6 * HOUR):
        _request(clock, desk)
    for span, open_one, lead in (
        (9 * DAY + 3 * HOUR, _open_operator, "mei"),
        (9 * DAY + 1 * HOUR, _open_sellers, "ida"),
        (9 * DAY, _open_platform, "nora"),
    ):
        with clock.before(span):
            start_case(open_one(desk), by=getattr(desk, lead))
    return True


def name_market(folder: Path, clock: PastClock) -> None:
    """The wallets of the agency's letter, and tags of the house for the bank, before rules run."""
    case, desk = Case.objects.get(title=OPERATOR_CASE), Desk()
    with clock.before(8 * DAY + 23 * HOUR):
        _check_request(case, desk)
    with clock.before(8 * DAY + 22 * HOUR):
        _keep_letter(case, desk)
        _operator_wallets(case, CaseFile.read(folder), desk)
    with clock.before(8 * DAY + 21 * HOUR):
        tags = _house_tags(case, desk)
    with clock.before(8 * DAY + 20 * HOUR):
        for tag in tags:
            activate_tag(tag, reason="Letter and annex read, call-back made.", by=desk.tomas)


def agree_with_agencies(clock: PastClock) -> None:
    """The request of the one agency accepted and its data kept, and the operation with both."""
    desk = Desk()
    _accept_request(clock, desk)
    _operation(clock, desk)


def work_on_market(
    folder: Path, clock: PastClock, tell: Callable[[str], None] = lambda _: None
) -> None:
    """The work on both cases of the market until the releases of both agencies are out.

    Args:
        folder: the written world, with case_file.json.
        clock: each step is done so long before its `now`.
        tell: hears one line per step.
    """
    facts, desk = CaseFile.read(folder), Desk()
    tell(f"case: {SELLERS_CASE}")
    with clock.before(7 * DAY + 3 * HOUR):
        _sellers(Case.objects.get(title=SELLERS_CASE), facts, desk)
    tell(f"case: {OPERATOR_CASE}")
    case = Case.objects.get(title=OPERATOR_CASE)
    findings = _trace(case, facts, clock, desk)
    _freezes(case, findings["OP-1"], clock, desk)
    _referrals(case, findings, clock, desk)
    _work(case, clock, desk)


def work_on_platform(folder: Path, clock: PastClock) -> None:
    """The case of the platform with its cohort; it shares nothing with the market's."""
    _platform(Case.objects.get(title=PLATFORM_CASE), CaseFile.read(folder), clock, Desk())


def work_since(folder: Path, clock: PastClock) -> None:
    """What came since the rules ran last: an answer, a moved tag, a report, a new request."""
    case, desk = Case.objects.get(title=OPERATOR_CASE), Desk()
    with clock.before(18 * HOUR + timedelta(minutes=30)):
        _answer(InformationRequest.objects.get(), desk)
    with clock.before(18 * HOUR):
        load_next_pack(folder)
    with clock.before(18 * HOUR - timedelta(minutes=10)):
        watch_drift()
    _report(case, clock, desk)
    with clock.before(15 * HOUR):
        ask_for_an_account(desk)
    with clock.before(4 * HOUR):
        _open_request(clock, desk)


def _time_reports(clock: PastClock, desk: Desk) -> None:
    """How long a suspicion report may take, as two people set it."""
    with clock.before(27 * DAY):
        rule = propose_clock(
            act="report", country="AE", length=REPORT_DAYS, unit="days", warn_hours=(48, 24),
            source="House rule: six days from the first alert; no law is named for it.",
            reason="So that no report waits over a second weekend.", by=desk.tomas,
        )  # fmt: skip
    with clock.before(26 * DAY):
        approve_clock(rule, content_hash=rule.content_hash, reason="Agreed.", by=desk.nora)


def _operation(clock: PastClock, desk: Desk) -> None:
    """Both cases of the market under one code name, started by a second person."""
    lead, partner = (Agency.objects.get(short_name=name).pk for name in ("FNTF", "HDIB"))
    with clock.before(7 * DAY + 23 * HOUR):
        operation = open_operation(
            code_name="SANDGLASS", name="Obelisk Market, operator and sellers",
            objective="Find and hold what the market's bank paid out through this exchange.",
            lead_agency_id=lead, partner_ids=[partner],
            starts_on=timezone.now().date(), embargo_until=clock.now + 21 * DAY, by=desk.tomas,
        )  # fmt: skip
        for title in (OPERATOR_CASE, SELLERS_CASE):
            case = Case.objects.get(title=title)
            put_case(case, operation, reason="Request FNTF-2025-0417 names both.", by=desk.tomas)
    with clock.before(7 * DAY + 22 * HOUR):
        start_operation(operation, reason="Agreed with FNTF and HDIB.", by=desk.nora)


def _keep_letter(case: Case, desk: Desk) -> None:
    acquire_evidence(
        case,
        document=UploadedBytes("FNTF-2025-0417.txt", LETTER.encode()),
        kind="correspondence", title="Request of the task force, with its annexes named",
        source="FNTF, by portal, called back on the known number",
        source_grade="A", information_grade="2", by=desk.mei,
    )  # fmt: skip


def _work(case: Case, clock: PastClock, desk: Desk) -> None:
    """Tasks, a note, and a release of a part that waits for compliance."""
    with clock.before(3 * DAY):
        for title, who, days in (
            ("Ask the swap service for the orders in annex 5", desk.mei, 2),
            ("Compare the devices of OP-1 and OP-3", desk.ida, 5),
            ("Call HDIB back before the court order runs out", desk.tomas, 9),
        ):
            due = clock.now + timedelta(days=days)
            add_task(case, title=title, assignee_id=who.user_id, due_at=due, by=desk.mei)
        add_task(case, title="Read the market's notices of June for payout days", by=desk.mei)
        words = "FNTF asks that nobody contacts the holders before the action day."
        add_note(case, text=words, by=desk.mei)
    freeze = case.freezes.filter(agency__short_name="FNTF", state="active").first()
    held = freeze and freeze.lines.filter(state="held").order_by("asset_id", "pk").first()
    if freeze and held:
        with clock.before(2 * DAY):
            request_release(
                freeze, amounts={held.pk: max(1, held.held // 100)},
                reason="The holder proved that this part is wages of a third person.", by=desk.mei,
            )  # fmt: skip


def _open_operator(desk: Desk) -> Case:
    return open_case(
        title=OPERATOR_CASE,
        case_type="darknet",
        priority="P1",
        summary=(
            "The market's bank paid its operator through a fee wallet and straight to his own "
            "wallet. From there the money went down a peel chain into accounts at this exchange, "
            "partly by way of an instant exchanger."
        ),
        by=desk.mei,
    )


def _trace(case: Case, facts: CaseFile, clock: PastClock, desk: Desk) -> dict[str, Finding]:
    """Suspects, a sealed run, and what was approved of it, by account."""
    with clock.before(7 * DAY + 1 * HOUR):
        _operator_suspects(case, desk)
    with clock.before(6 * DAY + 2 * HOUR):
        run = queue_trace(
            case,
            jobs.TraceParameters(
                ledger=LEDGER,
                mode="destination",
                seeds=tuple(facts.seeds),
                policy="fifo",
                max_hops=32,
                coinjoin="stop",
            ),
            by=desk.mei,
        )
        jobs.carry_now(run.run)
        collect_findings(run.run)
    with clock.before(6 * DAY):
        by_account = _findings(case, facts.registrar, desk)
    with clock.before(5 * DAY + 23 * HOUR):
        return {uid: _approved(finding, desk) for uid, finding in by_account.items()}


def _operator_wallets(case: Case, facts: CaseFile, desk: Desk) -> None:
    add_wallets(
        case,
        text="\n".join(facts.bank),
        role="bank",
        provenance="document",
        provenance_note="FNTF letter 2025-0417, annex 2: wallets of the market's bank",
        by=desk.mei,
    )
    named = [
        (facts.fee_wallet, "hot", "Obelisk fee wallet", "document", "FNTF letter, annex 3"),
        (facts.operator[0], "admin", "Pharos, first wallet", "trace", "Receives from the bank"),
        (facts.operator[1], "admin", "Pharos, last payouts", "trace", "Spent with the first"),
        (facts.registrar, "service", "Namewharf", "document", "Invoice 8841, page 1"),
        (facts.z, "service", "Z", "analyst", "Receives 0.75 BTC from Pharos; owner unknown"),
        (facts.last_peel, "unknown", "End of the peel chain", "trace", "Unspent"),
        *(
            (address, "swap", f"Ferryswap order {number}", "document", "FNTF letter, annex 5")
            for number, address in enumerate(facts.swap, 1)
        ),
    ]
    for address, role, label, provenance, note in named:
        add_wallet(
            case, address=address, role=role, label=label, provenance=provenance,
            provenance_note=note, by=desk.mei,
        )  # fmt: skip


def _operator_suspects(case: Case, desk: Desk) -> None:
    pharos = add_suspect(
        case, kind="persona", standing="suspect", role="administrator",
        names=[("ALIA", "Pharos"), ("ALIA", "Faros"), ("ALIA", "pharos_")],
        note="Signs the market's notices.", by=desk.mei,
    )  # fmt: skip
    add_name(pharos, "ALIA", "法羅斯", by=desk.mei)
    for kind, role, name, born, uid, basis in (
        ("person", "launderer", "Kai-Wen Demoson", 1980, "OP-1", "Deposits of the peel chain"),
        ("organisation", "launderer", "Demo Lighthouse Trading Limited", None, "OP-2",
         "Shares a withdrawal address with OP-3; Monero from the bank's log"),
        ("person", "money_mule", "Sample Courier 000003", None, "OP-3",
         "Shares a device with OP-1"),
    ):  # fmt: skip
        suspect = add_suspect(
            case, kind=kind, standing="suspect", role=role, names=[("LEGL", name)],
            birth_year=born, by=desk.mei,
        )  # fmt: skip
        link_account(suspect, account_number(uid), basis, by=desk.mei)


def _findings(case: Case, registrar: str, desk: Desk) -> dict[str, Finding]:
    """The engine's drafts about OP-1 and OP-3, submitted and by account; one by hand as well."""
    by_account = {uid: case.findings.get(Q(statement__contains=uid)) for uid in ("OP-1", "OP-3")}
    extract = acquire_evidence(
        case,
        document=UploadedBytes("deposits.csv", _deposits("OP-1")),
        kind="ledger_extract", title="Deposits of the peel chain, out of our own records",
        source="Records of the exchange, by deposit address and transaction",
        source_grade="A", information_grade="1", by=desk.mei,
    )  # fmt: skip
    for finding in by_account.values():
        edited = edit_finding(
            finding,
            version=finding.version,
            alternatives=(
                "The holder sold goods or coins to the operator. The pattern of peels, always to "
                "the same two accounts within minutes, speaks against it."
            ),
            confidence=85,
            confidence_reason="Sealed run over the whole ledger; deposits are exchange records.",
            exhibits=[extract] if finding == by_account["OP-1"] else [],
            by=desk.mei,
        )
        submit_finding(edited, by=desk.mei)
    submit_finding(_of_the_registrar(case, registrar, desk), by=desk.mei)
    return by_account


def _of_the_registrar(case: Case, registrar: str, desk: Desk) -> Finding:
    """What no policy can say: by FIFO nothing of the payment is the market's, by LIFO all."""
    return draft_finding(
        case,
        kind="infrastructure",
        severity="medium",
        statement=(
            "The operator's first wallet paid Namewharf 0.0018 BTC; of Obelisk origin low 0, FIFO "
            "0, high 0.0018. This rests on who controls the wallet, not on an amount."
        ),
        tier=2,
        confidence=70,
        confidence_reason="One transaction on the ledger; the invoice names it.",
        assumptions="The wallet is the operator's, as the approved finding on OP-1 has it.",
        alternatives="Somebody else paid for the domain with coins that the operator sold.",
        amounts=[
            AmountSpec(
                BTC, REGISTRAR_FEE, 0, 0, REGISTRAR_FEE, policy="fifo", address=registrar,
                label="Namewharf",
            ),
        ],
        counter_evidence=[("commingling", "FIFO says 0, LIFO all: two coins paid it together.")],
        wallets=list(case.wallets.filter(address=registrar)),
        by=desk.mei,
    )  # fmt: skip


def _approved(finding: Finding, desk: Desk) -> Finding:
    finding.refresh_from_db()
    for evidence in finding.counter_evidence.all():
        mark_seen(evidence.pk, finding=finding, by=desk.tomas)
    approve_finding(
        finding,
        content_hash=finding.content_hash,
        reason="Run repeated, deposits compared with our own records.",
        by=desk.tomas,
    )
    finding.refresh_from_db()
    return finding


def _deposits(uid: str) -> bytes:
    """What came in on the ledger for one account, without its number."""
    rows = ExchangeRecord.objects.filter(account__uid=account_number(uid), kind="deposit")
    lines = [
        f"{each.at:%Y-%m-%dT%H:%M:%SZ},{each.txid},{each.asset_id},{each.base}"
        for each in rows.exclude(txid="").order_by("at", "pk")
    ]
    return "\n".join(["at,txid,asset,base_units", *lines, ""]).encode()


def _house_tags(case: Case, desk: Desk) -> list[HouseTag]:
    """What the house knows of the bank, as tags of its own: their cluster takes them over.

    The packs name no address of the market, so this is what the rules about exposure go by.
    """
    bank = case.wallets.filter(role="bank").order_by("pk")
    return [
        propose_tag(
            wallet, label="Obelisk Market", category="market", confidence="authority_data",
            source="FNTF letter 2025-0417, annex 2",
            reason="Named by the task force as a wallet of the market's bank.", by=desk.mei,
        )
        for wallet in bank[:TAGGED]
    ]  # fmt: skip


def _lines(
    uid: str, *, finding_id: int | None = None, instrument_id: int | None = None
) -> list[LineSpec]:
    account = ExchangeAccount.objects.get(uid=account_number(uid))
    balances = Balance.objects.filter(account=account).order_by("asset_id")
    return [
        LineSpec(account.pk, each.asset_id, each.base, finding_id, instrument_id)
        for each in balances
        if each.base
    ]


def _wait_for_the_exchange(freeze: FreezeRequest) -> None:
    """Send what no worker has taken yet, and wait for the answers to what one has."""
    orders = OutboxMessage.objects.filter(line__freeze=freeze)
    end = time.monotonic() + ANSWER_SECONDS
    while orders.exclude(state__in=["confirmed", "refused"]).exists():
        for message in orders.filter(state="pending"):
            send_outbox_task(str(message.pk))
        if time.monotonic() > end:
            raise TimeoutError("the exchange does not answer a freeze of the demo")
        time.sleep(0.1)


def _freezes(case: Case, finding: Finding, clock: PastClock, desk: Desk) -> None:
    """Two freezes, of a finding and of an order, asked for when a withdrawal was stopped."""
    fntf, hdib = Agency.objects.get(short_name="FNTF"), Agency.objects.get(short_name="HDIB")
    with clock.before(5 * DAY + 21 * HOUR):
        today = timezone.now().date()
        request = record_instrument(
            case, type="agency_request", number="FNTF-2025-0417", agency_id=fntf.pk,
            issued_by=fntf.name, issued_on=today - 4 * DAY, valid_until=None,
            jurisdiction="US", document=None, by=desk.mei,
        )  # fmt: skip
        order = record_instrument(
            case, type="court_order", number="HDIB-114-0093", agency_id=hdib.pk,
            issued_by="Harbour District Court", issued_on=today - DAY,
            valid_until=date(today.year + 1, today.month, 1), jurisdiction="TW", document=None,
            by=desk.ida,
        )  # fmt: skip
    with clock.before(5 * DAY + 20 * HOUR):
        verify_instrument(request, by=desk.tomas)
        verify_instrument(order, by=desk.tomas)
    with clock.before(EXECUTED + timedelta(minutes=9)):
        market = request_freeze(
            case, legal_basis="internal_suspicion", restriction="all", urgency="urgent",
            agency_id=fntf.pk,
            reason="Proceeds of the market on the operator's accounts; withdrawals were asked for.",
            lines=[
                *_lines("OP-1", finding_id=finding.pk),
                *_lines("OP-2", instrument_id=request.pk),
            ],
            expires_at=clock.now + MARKET_ENDS, by=desk.mei,
        )  # fmt: skip
        courier = request_freeze(
            case, legal_basis="court_order", restriction="withdrawals", urgency="urgent",
            agency_id=hdib.pk, reason="Order of the court on the courier's account.",
            lines=_lines("OP-3", instrument_id=order.pk),
            expires_at=clock.now + COURIER_ENDS, by=desk.mei,
        )  # fmt: skip
        for freeze in (market, courier):
            submit_freeze(freeze, by=desk.mei)
    with clock.before(EXECUTED + timedelta(minutes=4)):
        for freeze in (market, courier):
            triage_freeze(freeze, by=desk.tomas)
    with clock.before(EXECUTED):
        for freeze, reason in (
            (market, "Finding approved, request called back on the known number."),
            (courier, "Order read, the court called back; the account is named in it."),
        ):
            freeze.refresh_from_db()
            approve_freeze(freeze, content_hash=freeze.content_hash, reason=reason, by=desk.nora)
            _wait_for_the_exchange(freeze)


def _referrals(case: Case, findings: dict[str, Finding], clock: PastClock, desk: Desk) -> None:
    """A release to each agency of what it asked for; neither learns of the other, and one reads."""

    def minutes_after(minutes: int) -> AbstractContextManager[None]:
        return clock.before(EXECUTED - timedelta(minutes=minutes))

    with minutes_after(8):
        referrals = [_to_fntf(case, findings["OP-1"], desk), _to_hdib(case, findings["OP-3"], desk)]
        for each in referrals:
            redact_referral(each, redactions={}, by=desk.mei)
            each.refresh_from_db()
    with minutes_after(21):
        for each, reason in zip(
            referrals, ("Only what was asked for.", "Only what the order covers."), strict=True
        ):
            approve_referral(each, content_hash=each.content_hash, reason=reason, by=desk.tomas)
            each.refresh_from_db()
    with minutes_after(34):
        for each in referrals:
            clear_referral(
                each, content_hash=each.content_hash, reason="Gateway checked.", by=desk.nora
            )
            each.refresh_from_db()
    with minutes_after(43):
        for each, officer in zip(referrals, ("ortiz", "chen"), strict=True):
            package_referral(each, by=desk.nora)
            each.refresh_from_db()
            send_referral(
                each,
                liaison_ids=[User.objects.get(username=officer).pk],
                expires_at=timezone.now() + 30 * DAY,
                by=desk.nora,
            )
    with clock.before(4 * DAY + 19 * HOUR):
        [unread] = releases_for(desk.ortiz)
        release_for(desk.ortiz, unread.public_id)


def _to_fntf(case: Case, finding: Finding, desk: Desk) -> Referral:
    return draft_referral(
        case, agency_id=Agency.objects.get(short_name="FNTF").pk, kind="joint_operation",
        subject="Obelisk Market: operator's accounts",
        summary=(
            "Payouts of the market's bank were followed to an account in the operator's own "
            "name. What was left there is held."
        ),
        purpose="Criminal investigation of the market's operator",
        legal_gateway="Request FNTF-2025-0417", caveats="Do not contact the account holders.",
        tlp="AMBER", handling_code="H1", findings=[finding],
        freezes=list(case.freezes.filter(agency__short_name="FNTF")),
        answers=InformationRequest.objects.get(), by=desk.mei,
    )  # fmt: skip


def _to_hdib(case: Case, finding: Finding, desk: Desk) -> Referral:
    return draft_referral(
        case, agency_id=Agency.objects.get(short_name="HDIB").pk, kind="joint_operation",
        subject="Account of the courier: what the order holds",
        summary=(
            "The account that the order names is held with what lay on it, a withdrawal among "
            "it that was stopped on its way out."
        ),
        purpose="Criminal investigation of the courier",
        legal_gateway="Court order HDIB-114-0093", caveats="Do not contact the account holder.",
        tlp="AMBER", handling_code="H1", findings=[finding],
        freezes=list(case.freezes.filter(agency__short_name="HDIB")), by=desk.mei,
    )  # fmt: skip


def _deposit_addresses(uid: str, number: int) -> list[str]:
    held = DepositAddress.objects.filter(account__uid=account_number(uid)).order_by("pk")
    return list(held.values_list("address", flat=True)[:number])


def _request(clock: PastClock, desk: Desk) -> None:
    """What ortiz asks by the portal."""
    record_request(
        RequestSpec(
            agency_ref="FNTF-2025-0417", instrument_type="court_order",
            instrument_number="25-MJ-0417", issued_by="District court, narcotics division",
            issued_on=timezone.now().date() - 4 * DAY, legal_basis="18 U.S.C. 2703 (d)",
            offences="Distribution of narcotics; money laundering",
            background="Payouts of the market's bank. See our letter and its annexes.",
            identifiers="\n".join([*_deposit_addresses("OP-1", 2), "name: Kai-Wen Demoson"]),
            datasets=("kyc", "balances", "crypto_in", "crypto_out"),
            due_at=clock.now + 2 * DAY, urgency="urgent",
        ),
        by=desk.ortiz,
    )  # fmt: skip


def _check_request(case: Case, desk: Desk) -> None:
    asked = InformationRequest.objects.get()
    link_request(asked, case, by=desk.mei)
    start_verification(asked, by=desk.mei)
    for item in CHECKS:
        check_request(asked, item=item, by=desk.mei)
    verify_requester(asked, by=desk.mei)


def _accept_request(clock: PastClock, desk: Desk) -> None:
    asked = InformationRequest.objects.get()
    with clock.before(8 * DAY + 4 * HOUR):
        accept_request(
            asked, datasets=asked.datasets.split(), content_hash=asked.content_hash,
            reason="Order read and called back; scope as narrow as the order.", by=desk.nora,
        )  # fmt: skip
    with clock.before(8 * DAY + 3 * HOUR):
        start_preservation(asked, reason="The officer asks for time.", by=desk.mei)


def _answer(asked: InformationRequest, desk: Desk) -> None:
    """With the release that the officer has."""
    release_response(
        asked, SharedRelease.objects.get(referral__answers=asked),
        content_hash=asked.content_hash, reason="The release holds what was asked.", by=desk.nora,
    )  # fmt: skip


def _report(case: Case, clock: PastClock, desk: Desk) -> None:
    """What the rules raised about OP-1 is part of the case, and compliance begins its report."""
    alert = (
        Alert.objects.filter(account__uid=account_number("OP-1"), state__in=OPEN_ALERT_STATES)
        .order_by("-rank", "pk")
        .first()
    )
    if alert is None:  # another seed may raise nothing about it
        return
    with clock.before(17 * HOUR):
        link_alert(alert, case, by=desk.mei)
    with clock.before(16 * HOUR):
        draft_report(case, [alert], by=desk.nora)


def _open_request(clock: PastClock, desk: Desk) -> None:
    """What chen asks and nobody has taken up yet; one line cannot be read."""
    record_request(
        RequestSpec(
            agency_ref="HDIB-114-0188", instrument_type="prosecutor_order",
            instrument_number="114-0188", issued_by="Harbour District Prosecutors Office",
            issued_on=timezone.now().date() - DAY, legal_basis="Code of procedure, art. 230",
            offences="Money laundering",
            background="A courier was stopped with notes naming these deposits.",
            identifiers="\n".join(
                [
                    *_deposit_addresses("OP-3", 2), "name: Sample Courier 000003",
                    "courier's second phone: ends in 44",
                ]
            ),
            datasets=("kyc", "crypto_in", "crypto_out", "devices"),
            due_at=clock.now + ANSWER_DUE, urgency="urgent",
        ),
        by=desk.chen,
    )  # fmt: skip


def _open_sellers(desk: Desk) -> Case:
    return open_case(
        title=SELLERS_CASE, case_type="darknet", priority="P2",
        summary="Sellers of the market were paid by its bank; some deposit here. Not traced yet.",
        by=desk.ida,
    )  # fmt: skip


def _sellers(case: Case, facts: CaseFile, desk: Desk) -> None:
    add_wallets(
        case, text="\n".join(facts.bank[:12]), role="bank", provenance="document",
        provenance_note="FNTF letter 2025-0417, annex 2", by=desk.ida,
    )  # fmt: skip
    seller = add_suspect(
        case, kind="person", standing="person_of_interest", role="vendor",
        names=[("LEGL", "Sample Seller 000001"), ("ALIA", "northern_parcels")], by=desk.ida,
    )  # fmt: skip
    link_account(seller, account_number("V-1"), "Named in the bank's log", by=desk.ida)
    # Spelled almost like the holder of OP-1 and born in another year: likeness is proposed, and a
    # person says that they are two.
    add_suspect(
        case, kind="person", standing="person_of_interest", role="vendor",
        names=[("LEGL", "Kaiwen Demosen")], birth_year=1991, note="Named in a seller's message.",
        by=desk.ida,
    )  # fmt: skip


def _open_platform(desk: Desk) -> Case:
    return open_case(
        title=PLATFORM_CASE, case_type="csam", priority="P1", visibility="sealed",
        summary="Payment wallets of a paid platform. Named people only.", by=desk.nora,
    )  # fmt: skip


def _platform(case: Case, facts: CaseFile, clock: PastClock, desk: Desk) -> None:
    with clock.before(8 * DAY + 18 * HOUR):
        for name in ("mei", "tomas"):
            grant_access(case, User.objects.get(username=name).pk, "write", by=desk.nora)
        add_wallets(
            case, text="\n".join(facts.lanternbox), role="service", provenance="document",
            provenance_note="Partner list of 2025-04-02, page 1", by=desk.mei,
        )  # fmt: skip
    with clock.before(8 * DAY + 17 * HOUR):
        build_cohort(
            case, platform="Lanternbox", packages=PACKAGES, from_at=_day_of(2 * WEEK),
            to_at=_day_of(17 * WEEK), by=desk.mei,
        )  # fmt: skip


def _day_of(height: int) -> datetime:
    return datetime.fromtimestamp(block_time(height), UTC)
