"""Requests of agencies: every line is kept, one person checks, another decides, both see it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.guards import install_guards, missing_guards
from cases.models import (
    AuditEvent,
    InformationRequest,
    OfficerEntry,
    RequestDecision,
    SharedRelease,
    SuspectAccount,
    Wallet,
)
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.request_matches import matches_of
from cases.request_words import CHECKS
from cases.services.audit import verify_chains
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.identifiers import read_identifiers
from cases.services.instruments import UploadedBytes
from cases.services.officers import suspend_officer
from cases.services.requests import (
    RequestSpec,
    accept_request,
    answer_agency,
    ask_agency,
    check_request,
    close_request,
    content_hash_of,
    link_request,
    mark_no_match,
    record_request,
    refuse_request,
    release_response,
    start_verification,
    verify_requester,
)
from cases.services.verification import altered_contents
from cases.states import InvalidTransition
from fiu.models import Agency, User
from tests.casework import (
    LEDGER,
    make_account,
    make_actor,
    make_agency,
    make_asset,
    make_case,
    make_deposit_address,
    make_suspect,
    make_user,
    person,
    stale,
)
from tests.inbox_rows import inbox
from tests.integration.services.test_liaison import send

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
TXID = "ab" * 32
UID = "8812345678"
PASTED = f"{ADDRESS}\n{TXID}\nnot-an-address-0000000000000000\nKai-Wen Demoson\n"


@pytest.fixture
def agency() -> Agency:
    return make_agency(name="Harbour Bureau", short_name="HDIB", country="TW")


@pytest.fixture
def officer_user(agency: Agency) -> User:
    return make_user("liaison", agency=agency)


@pytest.fixture
def officer(officer_user: User) -> Actor:
    return make_actor(officer_user)


@pytest.fixture
def analyst() -> Actor:
    return person("analyst")


@pytest.fixture
def supervisor() -> Actor:
    return person("supervisor")


@pytest.fixture
def compliance() -> Actor:
    return person("compliance")


def spec(**fields: Any) -> RequestSpec:
    values: dict[str, Any] = {
        "agency_ref": "HDIB-2026-17",
        "instrument_type": "court_order",
        "instrument_number": "114-0093",
        "issued_by": "Harbour District Court",
        "issued_on": date(2026, 1, 5),
        "legal_basis": "Art. 230",
        "offences": "Trade in narcotics",
        "identifiers": PASTED,
        "datasets": ("balances", "crypto_in"),
        "due_at": timezone.now() + timedelta(days=10),
    }
    return RequestSpec(**(values | fields))


@pytest.fixture
def request_(officer: Actor) -> InformationRequest:
    return record_request(spec(), by=officer)


def in_review(request: InformationRequest, by: Actor) -> InformationRequest:
    start_verification(request, by=by)
    for item in CHECKS:
        check_request(request, item=item, by=by)
    return verify_requester(request, by=by)


def accept(request: InformationRequest, by: Actor, **fields: Any) -> InformationRequest:
    values: dict[str, Any] = {
        "datasets": request.datasets.split(), "content_hash": request.content_hash,
        "reason": "Order seen.",
    }  # fmt: skip
    return accept_request(request, **(values | fields), by=by)


def words(**fields: Any) -> dict[str, Any]:
    return {"words": "We cannot.", "reason": "R."} | fields


def test_every_pasted_line_is_recognised_or_kept_with_its_reason() -> None:
    text = "\n".join(
        [
            f"  {ADDRESS.upper()} ", f"{TXID}:1", UID, "name: Kai-Wen Demoson", "法羅斯",
            "A.Person@Example.org", ADDRESS[:-1] + "x", "???", "", f"bitcoin:{ADDRESS}",
            f"{'x' * 400}", "tx: 12", "abc\u202edef",
        ]
    )  # fmt: skip
    rows = read_identifiers(text)
    assert [(row.line, row.kind, row.valid) for row in rows] == [
        (1, "address", True), (2, "txid", True), (3, "uid", True), (4, "name", True),
        (5, "name", True), (6, "email", True), (7, "unknown", False), (8, "unknown", False),
        (10, "address", False), (11, "unknown", False), (12, "txid", False),
        (13, "unknown", False),
    ]  # fmt: skip
    assert rows[0].normalised == ADDRESS
    assert rows[0].ledger == LEDGER
    assert rows[1].normalised == TXID
    assert rows[3].normalised == "Kai-Wen Demoson"
    assert all(row.reason for row in rows if not row.valid)
    assert rows[8].reason == "repeats line 1"


def test_a_filed_request_holds_all_that_was_asked(
    officer: Actor, request_: InformationRequest
) -> None:
    assert request_.reference.startswith("REQ-")
    assert request_.state == "received"
    assert request_.identifiers.count() == 4
    assert request_.identifiers.filter(valid=False).get().reason
    assert request_.content_hash == content_hash_of(request_)
    event = AuditEvent.objects.get(case=None, object=request_.reference)
    assert event.action == "record_request"
    assert ADDRESS not in event.data
    assert verify_chains().is_whole


@pytest.mark.parametrize(
    "change",
    [
        {"identifiers": "???\n"}, {"identifiers": ""}, {"datasets": ()}, {"datasets": ("all",)},
        {"agency_ref": " "}, {"instrument_type": "letter"}, {"urgency": "now"},
        {"issued_on": date(2990, 1, 1)}, {"valid_until": date(2025, 1, 1)},
        {"period_from": date(2025, 2, 1), "period_until": date(2025, 1, 1)},
        {"due_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"document": UploadedBytes("order.pdf", b"MZ")},
        {"document": UploadedBytes("order.exe", b"%PDF-1.7")},
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_worked_on_is_not_filed(
    officer: Actor, change: dict[str, Any]
) -> None:
    with pytest.raises(CaseworkError):
        record_request(spec(**change), by=officer)
    assert not InformationRequest.objects.exists()


def test_a_file_number_is_used_once_per_agency(
    officer: Actor, request_: InformationRequest
) -> None:
    with pytest.raises(CaseworkError, match="before"):
        record_request(spec(), by=officer)
    record_request(spec(), by=person("liaison"))


def test_the_document_is_kept_by_its_hash(officer: Actor) -> None:
    filed = record_request(
        spec(document=UploadedBytes("../order 1.pdf", b"%PDF-1.7 order")), by=officer
    )
    assert "/" not in filed.document_name
    assert len(filed.document_sha256) == 64


@pytest.mark.parametrize("role", ["analyst", "supervisor", "compliance", "auditor", "admin"])
def test_only_an_officer_files(role: str) -> None:
    with pytest.raises(PermissionDenied):
        record_request(spec(), by=person(role))


def test_each_side_sees_its_own(request_: InformationRequest, officer: Actor) -> None:
    agency = request_.agency
    seen = {
        actor: InformationRequest.objects.visible_to(actor).exists()
        for actor in (
            officer, person("liaison", agency=agency), person("liaison"), person("analyst"),
            person("supervisor"), person("compliance"), person("auditor"), person("admin"),
        )
    }  # fmt: skip
    assert list(seen.values()) == [True, True, False, True, True, True, False, False]


def test_a_request_in_a_sealed_case_is_seen_with_the_case_only(
    request_: InformationRequest, compliance: Actor, analyst: Actor
) -> None:
    case = make_case(compliance, visibility="sealed")
    with pytest.raises(PermissionDenied):
        link_request(request_, case, by=analyst)
    link_request(request_, case, by=compliance)
    assert not InformationRequest.objects.visible_to(analyst).exists()
    assert InformationRequest.objects.visible_to(compliance).exists()
    with pytest.raises(InvalidTransition):
        link_request(request_, make_case(compliance), by=compliance)
    with pytest.raises(PermissionDenied):
        start_verification(request_, by=analyst)


def test_no_answer_goes_to_an_officer_who_is_not_verified_any_more(
    request_: InformationRequest, agency: Agency, officer_user: User, analyst: Actor,
    supervisor: Actor,
) -> None:  # fmt: skip
    make_asset()
    in_review(request_, analyst)
    accept(request_, supervisor)
    release = send(make_case(), agency, officer_user).releases.get()
    entry = OfficerEntry.objects.get(user=officer_user)
    suspend_officer(entry, reason="Left the agency.", by=supervisor)
    with pytest.raises(CaseworkError, match="not verified any more"):
        release_response(
            request_, release, content_hash=request_.content_hash, reason="Sent.", by=supervisor
        )


def test_the_whole_walk_to_a_released_answer(
    request_: InformationRequest, agency: Agency, officer_user: User, analyst: Actor,
    supervisor: Actor,
) -> None:  # fmt: skip
    make_asset()
    in_review(request_, analyst)
    accept(request_, supervisor)
    assert (request_.state, request_.decision) == ("collecting", "full")
    release: SharedRelease = send(make_case(), agency, officer_user).releases.get()
    release_response(
        request_, release, content_hash=request_.content_hash, reason="Sent.", by=supervisor
    )
    close_request(request_, reason="Done.", by=analyst)
    request_.refresh_from_db()
    assert (request_.state, request_.response_id) == ("closed", release.pk)
    actions = AuditEvent.objects.filter(object=request_.reference).values_list("action", flat=True)
    assert list(actions.order_by("seq")) == [
        "record_request", "start_verification", *["check_request"] * len(CHECKS),
        "verify_requester", "accept_request", "release_response", "close_request",
    ]  # fmt: skip
    assert set(RequestDecision.objects.values_list("step", flat=True)) == {"accept", "release"}
    assert verify_chains().is_whole
    assert altered_contents() == []


def test_a_question_and_its_answer_start_another_round(
    request_: InformationRequest, officer: Actor, analyst: Actor, supervisor: Actor
) -> None:
    in_review(request_, analyst)
    shown = request_.content_hash
    ask_agency(request_, text="Which period?", reason="Open.", by=analyst)
    with pytest.raises(InvalidTransition):
        accept(request_, supervisor)
    for wrong in (person("liaison"), analyst):
        with pytest.raises(PermissionDenied):
            answer_agency(request_, text="2025.", by=wrong)
    with pytest.raises(CaseworkError):
        answer_agency(request_, text=" ", by=officer)
    answer_agency(request_, text="The year 2025.", by=officer)
    with pytest.raises(InvalidTransition):
        answer_agency(request_, text="Again.", by=officer)
    assert (request_.state, request_.round, request_.verified_by_id) == ("verifying", 2, None)
    assert request_.content_hash != shown
    with pytest.raises(CaseworkError, match="Confirm first"):
        verify_requester(request_, by=analyst)
    for item in CHECKS:
        check_request(request_, item=item, by=analyst)
    verify_requester(request_, by=analyst)
    with pytest.raises(ContentChanged):
        accept(request_, supervisor, content_hash=shown)
    accept(request_, supervisor)
    assert request_.messages.count() == 2


def test_a_text_for_the_agency_betrays_nothing(
    request_: InformationRequest, analyst: Actor, supervisor: Actor
) -> None:
    start_verification(request_, by=analyst)
    make_account(UID)
    other = make_agency(short_name="FNTF")
    for text in (
        "See CASE-2026-000001.",
        "REP-2026-000001 is filed.",
        f"Account {UID}?",
        f"{other.short_name} asked.",
        "",
    ):
        with pytest.raises(CaseworkError):
            ask_agency(request_, text=text, reason="R.", by=analyst)
    with pytest.raises(CaseworkError):
        refuse_request(
            request_, **words(words=f"{other.name} has it."),
            content_hash=request_.content_hash, by=supervisor,
        )  # fmt: skip


def test_the_checklist_is_whole_and_each_point_is_confirmed_once(
    request_: InformationRequest, analyst: Actor
) -> None:
    with pytest.raises(InvalidTransition):
        check_request(request_, item="identity", by=analyst)
    start_verification(request_, by=analyst)
    with pytest.raises(InvalidTransition):
        start_verification(request_, by=analyst)
    check_request(request_, item="identity", by=analyst)
    with pytest.raises(InvalidTransition):
        check_request(request_, item="identity", by=person("analyst"))
    with pytest.raises(CaseworkError):
        check_request(request_, item="weather", by=analyst)
    with pytest.raises(CaseworkError, match="domain"):
        verify_requester(request_, by=analyst)
    with pytest.raises(IntegrityError), transaction.atomic():
        InformationRequest.objects.filter(pk=request_.pk).update(state="in_review")


def test_a_second_person_decides_with_a_fresh_factor(
    request_: InformationRequest, officer: Actor, analyst: Actor, supervisor: Actor
) -> None:
    helper = person("supervisor")
    start_verification(request_, by=analyst)
    check_request(request_, item="identity", by=helper)
    for item in list(CHECKS)[1:]:
        check_request(request_, item=item, by=analyst)
    checker = person("supervisor")
    verify_requester(request_, by=checker)
    for wrong in (analyst, officer, person("auditor"), helper, checker):
        with pytest.raises(PermissionDenied):
            accept(request_, wrong)
    with pytest.raises(StepUpRequired):
        accept(request_, stale(supervisor))
    with pytest.raises(ContentChanged):
        accept(request_, supervisor, content_hash="0" * 64)
    with pytest.raises(CaseworkError):
        accept(request_, supervisor, reason=" ")
    for never in ([], ["kyc"], ["weather"]):
        with pytest.raises(CaseworkError):
            accept(request_, supervisor, datasets=never)
    accept(request_, supervisor, datasets=["balances"])
    assert request_.decision == "partial"
    with pytest.raises(InvalidTransition):
        accept(request_, person("supervisor"))


def test_the_second_of_two_deciders_loses(
    request_: InformationRequest, analyst: Actor, supervisor: Actor
) -> None:
    in_review(request_, analyst)
    stale_copy = InformationRequest.objects.get(pk=request_.pk)
    accept(request_, supervisor)
    with pytest.raises(InvalidTransition):
        refuse_request(
            stale_copy, **words(), content_hash=stale_copy.content_hash, by=person("supervisor")
        )


def test_personal_data_is_for_compliance_to_decide(
    officer: Actor, analyst: Actor, supervisor: Actor, compliance: Actor
) -> None:
    request = record_request(spec(datasets=("kyc", "balances")), by=officer)
    in_review(request, analyst)
    with pytest.raises(PermissionDenied):
        accept(request, supervisor)
    with pytest.raises(IntegrityError), transaction.atomic():
        InformationRequest.objects.filter(pk=request.pk).update(
            state="collecting", accepted_datasets="kyc balances", decided_by=supervisor.user_id
        )
    accept(request, supervisor, datasets=["balances"])
    other = record_request(spec(agency_ref="2", datasets=("kyc",)), by=officer)
    in_review(other, analyst)
    accept(other, compliance)
    assert other.state == "collecting"


def test_an_instrument_obtains_what_its_row_says_and_no_more(
    officer: Actor, analyst: Actor, compliance: Actor, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> None:  # fmt: skip
    request = record_request(
        spec(instrument_type="police_request", datasets=("kyc", "balances")), by=officer
    )
    in_review(request, analyst)
    with pytest.raises(CaseworkError, match="Who the customer is"):
        accept(request, compliance)
    own = '[[row]]\ninstrument = "police_request"\ncountry = "TW"\ndatasets = ["kyc"]\n'
    (tmp_path / "legal_matrix.toml").write_text(own)
    monkeypatch.setattr(settings, "FIU_HOME", tmp_path)
    with pytest.raises(CaseworkError, match="Balances"):
        accept(request, compliance)
    accept(request, compliance, datasets=["kyc"])


def test_a_refusal_is_told_in_words_and_is_final(
    request_: InformationRequest, analyst: Actor, supervisor: Actor
) -> None:
    start_verification(request_, by=analyst)
    with pytest.raises(PermissionDenied):
        refuse_request(request_, **words(), content_hash=request_.content_hash, by=analyst)
    refuse_request(request_, **words(), content_hash=request_.content_hash, by=supervisor)
    assert (request_.state, request_.answer) == ("refused", "We cannot.")
    with pytest.raises(InvalidTransition):
        refuse_request(
            request_, **words(), content_hash=request_.content_hash, by=person("compliance")
        )
    close_request(request_, reason="Filed.", by=analyst)


def test_no_match_is_said_only_where_nothing_matches(
    request_: InformationRequest, analyst: Actor, supervisor: Actor
) -> None:
    in_review(request_, analyst)
    address = make_deposit_address(make_account(UID), ADDRESS)
    with pytest.raises(CaseworkError, match="matches"):
        mark_no_match(request_, **words(), content_hash=request_.content_hash, by=supervisor)
    address.delete()
    mark_no_match(request_, **words(), content_hash=request_.content_hash, by=supervisor)
    assert (request_.state, request_.decision) == ("no_match", "no_match")
    assert '"num_searched":3' in AuditEvent.objects.get(action="mark_no_match").data


def test_matches_are_by_time_and_wallets_only_of_visible_cases(
    officer: Actor, analyst: Actor, compliance: Actor,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    request = record_request(
        spec(
            identifiers=f"{ADDRESS}\nuid: {UID}\nname: KAI-WEN DEMOSON\nx@y.example",
            period_from=date(2025, 1, 1), period_until=date(2025, 1, 31),
        ),
        by=officer,
    )  # fmt: skip
    before = make_account(UID, holder_name="Kai-Wen Demoson")
    now = make_account("8800000002")
    turn = datetime(2024, 6, 1, tzinfo=UTC)
    make_deposit_address(before, ADDRESS, end=turn)
    make_deposit_address(now, ADDRESS, start=turn)
    case = make_case(compliance, visibility="sealed")
    Wallet.objects.create(
        case=case, ledger=LEDGER, address=ADDRESS, provenance="analyst", provenance_note="N",
        added_by_id=compliance.person, added_at=timezone.now(),
    )  # fmt: skip
    with django_assert_num_queries(6):
        address, uid, name, email = matches_of(request, analyst)
    assert [(m.account.pk, m.in_period) for m in address.accounts] == [
        (before.pk, False), (now.pk, True),
    ]  # fmt: skip
    assert address.wallets == []
    assert [m.account.pk for m in uid.accounts] == [before.pk]
    assert [m.how for m in name.accounts] == ["name"]
    assert (email.is_searched, email.num_found) == (False, 0)
    assert len(matches_of(request, compliance)[0].wallets) == 1
    suspect = make_suspect(case, compliance)
    SuspectAccount.objects.create(
        suspect=suspect, account=before, basis="Own name.", linked_by_id=compliance.person,
        linked_at=timezone.now(),
    )  # fmt: skip
    address, uid, name, email = matches_of(request, compliance)
    assert [match.suspects for match in (address, uid, name, email)] == [[suspect]] * 3 + [[]]
    assert all(match.suspects == [] for match in matches_of(request, analyst))


def test_an_answer_is_a_release_that_the_officer_can_open(
    request_: InformationRequest, agency: Agency, officer_user: User, analyst: Actor,
    supervisor: Actor,
) -> None:  # fmt: skip
    make_asset()
    in_review(request_, analyst)
    accept(request_, supervisor)
    colleague = make_user("liaison", agency=agency)
    elsewhere = make_agency()
    for case_agency, reader in ((agency, colleague), (elsewhere, make_user(
        "liaison", agency=elsewhere))):  # fmt: skip
        release = send(make_case(), case_agency, reader).releases.get()
        with pytest.raises(CaseworkError, match="open to the officer"):
            release_response(
                request_, release, content_hash=request_.content_hash, reason="R.",
                by=supervisor,
            )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        InformationRequest.objects.filter(pk=request_.pk).update(response=release.pk)
    mine = send(make_case(), agency, officer_user).releases.get()
    for wrong in (analyst, person("liaison", agency=agency)):
        with pytest.raises(PermissionDenied):
            release_response(
                request_, mine, content_hash=request_.content_hash, reason="R.", by=wrong
            )


@pytest.mark.owner
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE cases_informationrequest SET agency_ref = 'other'",
        "UPDATE cases_informationrequest SET datasets = 'kyc'",
        "UPDATE cases_informationrequest SET content_hash = 'x'",
        "UPDATE cases_informationrequest SET state = 'released'",
        "UPDATE cases_informationrequest SET state = 'closed'",
        "DELETE FROM cases_informationrequest",
        "UPDATE cases_requestidentifier SET normalised = 'x'",
        "DELETE FROM cases_requestidentifier",
        "UPDATE cases_requestcheck SET by_id = 0",
        "DELETE FROM cases_requestcheck",
    ],
)
def test_the_database_refuses_what_no_service_does(
    request_: InformationRequest, analyst: Actor, sql: str
) -> None:
    in_review(request_, analyst)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.owner
def test_the_database_refuses_a_checker_as_decider(
    request_: InformationRequest, analyst: Actor
) -> None:
    helper = person("supervisor")
    start_verification(request_, by=analyst)
    check_request(request_, item="identity", by=helper)
    for item in list(CHECKS)[1:]:
        check_request(request_, item=item, by=analyst)
    verify_requester(request_, by=analyst)
    for wrong in (helper, analyst):
        with pytest.raises(IntegrityError), transaction.atomic():
            InformationRequest.objects.filter(pk=request_.pk).update(
                state="refused", decided_by=wrong.user_id
            )
    assert install_guards()
    assert missing_guards(connection) == []


@pytest.mark.owner
def test_a_changed_line_is_found(request_: InformationRequest) -> None:
    with connection.cursor() as cursor:
        name = "guard_cases_requestidentifier_kept"
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {name}")
        else:
            cursor.execute(f"DROP TRIGGER {name} ON cases_requestidentifier")
        cursor.execute("UPDATE cases_requestidentifier SET normalised = 'x' WHERE place = 1")
    assert [each.reason for each in altered_contents()] == [
        f"{request_.reference} is not what was asked"
    ]
    install_guards()


def test_the_inbox_holds_what_waits_for_whom(
    request_: InformationRequest, analyst: Actor, supervisor: Actor
) -> None:
    (row,) = inbox(analyst, "request")
    assert (row.case, row.can_take, row.deadline) == (None, True, request_.due_at)
    in_review(request_, analyst)
    assert inbox(analyst, "request") == []
    (row,) = inbox(supervisor, "request")
    assert not row.can_take


def test_where_a_life_is_at_risk_the_answer_is_due_within_a_day_before_all_others(
    officer: Actor, analyst: Actor
) -> None:
    record_request(spec(due_at=timezone.now() + timedelta(days=2)), by=officer)
    urgent = record_request(
        spec(
            agency_ref="LIFE-1", urgency="life_at_risk", due_at=timezone.now() + timedelta(days=9)
        ),
        by=officer,
    )
    assert urgent.due_at <= timezone.now() + timedelta(hours=24)
    rows = [row for row in inbox(analyst) if row.kind == "request"]
    assert (rows[0].reference, rows[0].tone) == (urgent.reference, "bad")
