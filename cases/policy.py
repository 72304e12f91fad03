"""One module answers "may they?": grants by role, the second person, and the row filters.

Services call `require` first; querysets use the filters; views never decide.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import BooleanField, DateTimeField, F, Func, Q, Value
from django.utils import timezone

STEP_UP = timedelta(minutes=5)
EMERGENCY = timedelta(minutes=60)  # how long a broken glass stays open (A7)


class Role(StrEnum):
    ANALYST = "analyst"
    SUPERVISOR = "supervisor"
    COMPLIANCE = "compliance"
    LIAISON = "liaison"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SYSTEM = "system"


class Action(StrEnum):
    VIEW_CASE = "view_case"
    OPEN_CASE = "open_case"
    EDIT_CASE = "edit_case"
    DECIDE_CASE = "decide_case"
    GRANT_ACCESS = "grant_access"
    LIFT_BLOCK = "lift_block"
    BREAK_GLASS = "break_glass"
    EDIT_OPERATION = "edit_operation"
    DECIDE_OPERATION = "decide_operation"
    ADD_TASK = "add_task"
    ASSIGN_WORK = "assign_work"
    ADD_NOTE = "add_note"
    ACQUIRE_EVIDENCE = "acquire_evidence"
    EXPORT_EVIDENCE = "export_evidence"
    REQUEST_DISPOSAL = "request_disposal"
    DISPOSE_EVIDENCE = "dispose_evidence"
    SET_LEGAL_HOLD = "set_legal_hold"
    ADD_WALLET = "add_wallet"
    ADD_SUSPECT = "add_suspect"
    QUEUE_TRACE = "queue_trace"
    CANCEL_TRACE = "cancel_trace"
    COLLECT_FINDINGS = "collect_findings"
    PROPOSE_TAG = "propose_tag"
    DECIDE_TAG = "decide_tag"
    PROPOSE_SEPARATION = "propose_separation"
    DECIDE_SEPARATION = "decide_separation"
    BUILD_COHORT = "build_cohort"
    EXPORT_COHORT = "export_cohort"
    CONFIRM_IDENTITY = "confirm_identity"
    DRAFT_FINDING = "draft_finding"
    SUBMIT_FINDING = "submit_finding"
    APPROVE_FINDING = "approve_finding"
    WITHDRAW_FINDING = "withdraw_finding"
    RECORD_INSTRUMENT = "record_instrument"
    VERIFY_INSTRUMENT = "verify_instrument"
    REQUEST_FREEZE = "request_freeze"
    CANCEL_FREEZE = "cancel_freeze"
    TRIAGE_FREEZE = "triage_freeze"
    PLACE_PROVISIONAL_FREEZE = "place_provisional_freeze"
    APPROVE_FREEZE = "approve_freeze"
    EXECUTE_FREEZE = "execute_freeze"
    EXTEND_FREEZE = "extend_freeze"
    SIGN_FREEZE = "sign_freeze"
    RELEASE_FREEZE = "release_freeze"
    APPROVE_SEIZURE = "approve_seizure"
    TRANSFER_SEIZURE = "transfer_seizure"
    DRAFT_REFERRAL = "draft_referral"
    REDACT_REFERRAL = "redact_referral"
    APPROVE_REFERRAL = "approve_referral"
    CLEAR_REFERRAL = "clear_referral"
    SEND_REFERRAL = "send_referral"
    RECALL_REFERRAL = "recall_referral"
    READ_RELEASE = "read_release"
    ACKNOWLEDGE_RELEASE = "acknowledge_release"
    ASK_ABOUT_RELEASE = "ask_about_release"
    ANSWER_QUESTION = "answer_question"
    REPORT_OUTCOME = "report_outcome"
    RECORD_REQUEST = "record_request"
    ANSWER_REQUEST = "answer_request"
    VIEW_REQUEST = "view_request"
    VERIFY_REQUESTER = "verify_requester"
    DECIDE_REQUEST = "decide_request"
    DECIDE_PERSONAL_REQUEST = "decide_personal_request"
    RELEASE_RESPONSE = "release_response"
    CLOSE_REQUEST = "close_request"
    REVEAL_CUSTOMER = "reveal_customer"
    TRIAGE_ALERT = "triage_alert"
    DISMISS_GRAVE_ALERT = "dismiss_grave_alert"
    REOPEN_ALERT = "reopen_alert"
    RAISE_ALERT = "raise_alert"
    VIEW_REPORT = "view_report"
    DRAFT_REPORT = "draft_report"
    REVIEW_REPORT = "review_report"
    APPROVE_REPORT = "approve_report"
    FILE_REPORT = "file_report"
    DISPOSE_REPORT = "dispose_report"
    SEE_SELF_LOOKUP = "see_self_lookup"
    PROPOSE_POLICY = "propose_policy"
    DECIDE_POLICY = "decide_policy"
    LOAD_PRICES = "load_prices"
    PUSH_RECORDS = "push_records"
    MANAGE_WEBHOOKS = "manage_webhooks"
    PROPOSE_RULE = "propose_rule"
    TRAIN_MODEL = "train_model"
    DECIDE_RULE = "decide_rule"
    IMPORT_CASES = "import_cases"
    DRAFT_OUTBOUND = "draft_outbound"
    DECIDE_OUTBOUND = "decide_outbound"
    PROPOSE_OFFICER = "propose_officer"
    DECIDE_OFFICER = "decide_officer"
    SUSPEND_OFFICER = "suspend_officer"
    READ_AUDIT = "read_audit"
    VERIFY_AUDIT = "verify_audit"
    READ_LOOKUPS = "read_lookups"


CASEWORK = frozenset(
    {
        Action.VIEW_CASE,
        Action.OPEN_CASE,
        Action.EDIT_CASE,
        Action.ADD_WALLET,
        Action.ADD_SUSPECT,
        Action.ADD_TASK,
        Action.ADD_NOTE,
        Action.ACQUIRE_EVIDENCE,
        Action.QUEUE_TRACE,
        Action.CANCEL_TRACE,
        Action.PROPOSE_TAG,
        Action.PROPOSE_SEPARATION,
        Action.BUILD_COHORT,
        Action.DRAFT_FINDING,
        Action.SUBMIT_FINDING,
        Action.RECORD_INSTRUMENT,
        Action.REQUEST_FREEZE,
        Action.CANCEL_FREEZE,
        Action.TRIAGE_FREEZE,
        Action.DRAFT_REFERRAL,
        Action.REDACT_REFERRAL,
        Action.REVEAL_CUSTOMER,
        Action.TRIAGE_ALERT,
        Action.VIEW_REPORT,
        Action.DRAFT_REPORT,
        Action.READ_AUDIT,
        Action.VIEW_REQUEST,
        Action.VERIFY_REQUESTER,
        Action.CLOSE_REQUEST,
        Action.DRAFT_OUTBOUND,
    }
)

SENIOR = CASEWORK | {
    Action.DECIDE_CASE,
    Action.DECIDE_TAG,
    Action.DECIDE_SEPARATION,
    Action.ASSIGN_WORK,
    Action.CONFIRM_IDENTITY,
    Action.GRANT_ACCESS,
    Action.EDIT_OPERATION,
    Action.EXPORT_EVIDENCE,
    Action.REQUEST_DISPOSAL,
    Action.APPROVE_FINDING,
    Action.WITHDRAW_FINDING,
    Action.VERIFY_INSTRUMENT,
    Action.PLACE_PROVISIONAL_FREEZE,
    Action.EXECUTE_FREEZE,
    Action.APPROVE_SEIZURE,
    Action.APPROVE_REFERRAL,
    Action.SEND_REFERRAL,
    Action.READ_RELEASE,
    Action.ANSWER_QUESTION,
    Action.EXPORT_COHORT,
    Action.DISMISS_GRAVE_ALERT,
    Action.REOPEN_ALERT,
    Action.VERIFY_AUDIT,
    Action.DECIDE_REQUEST,
    Action.RELEASE_RESPONSE,
    Action.PROPOSE_POLICY,
    Action.PROPOSE_RULE,
    Action.TRAIN_MODEL,
    Action.PROPOSE_OFFICER,
    Action.SUSPEND_OFFICER,
    Action.SIGN_FREEZE,  # alone it opens nothing: see `require_office`
}

# What a case that was merged into another takes no more: it is read, kept and disposed of.
# Its reports go on where they are: a merge tells nobody whether there are any, so none may end.
ENDED_BY_MERGE = frozenset(
    {
        Action.EDIT_CASE, Action.DECIDE_CASE, Action.ADD_WALLET, Action.ADD_SUSPECT,
        Action.ADD_TASK, Action.ADD_NOTE, Action.ACQUIRE_EVIDENCE, Action.QUEUE_TRACE,
        Action.BUILD_COHORT, Action.DRAFT_FINDING, Action.SUBMIT_FINDING,
        Action.RECORD_INSTRUMENT, Action.REQUEST_FREEZE, Action.DRAFT_REFERRAL,
        Action.DRAFT_OUTBOUND, Action.REDACT_REFERRAL,
    }
)  # fmt: skip

GRANTS: Mapping[Role, frozenset[Action]] = {
    Role.ANALYST: CASEWORK,
    # Compliance sees every case by office and needs no emergency.
    Role.SUPERVISOR: frozenset(SENIOR | {Action.BREAK_GLASS}),
    Role.COMPLIANCE: frozenset(
        SENIOR
        | {
            Action.LIFT_BLOCK,
            Action.SET_LEGAL_HOLD,
            Action.DISPOSE_EVIDENCE,
            Action.SEE_SELF_LOOKUP,
            Action.READ_LOOKUPS,
            Action.DECIDE_OPERATION,
            Action.APPROVE_FREEZE,
            Action.EXTEND_FREEZE,
            Action.RELEASE_FREEZE,
            Action.TRANSFER_SEIZURE,
            Action.CLEAR_REFERRAL,
            Action.RECALL_REFERRAL,
            Action.DECIDE_PERSONAL_REQUEST,
            Action.REVIEW_REPORT,
            Action.APPROVE_REPORT,
            Action.FILE_REPORT,
            Action.DISPOSE_REPORT,
            Action.DECIDE_POLICY,
            Action.LOAD_PRICES,
            Action.PUSH_RECORDS,
            Action.MANAGE_WEBHOOKS,
            Action.DECIDE_RULE,
            Action.DECIDE_OFFICER,
            Action.DECIDE_OUTBOUND,
            Action.IMPORT_CASES,
        }
    ),
    Role.LIAISON: frozenset(
        {
            Action.READ_RELEASE,
            Action.ACKNOWLEDGE_RELEASE,
            Action.ASK_ABOUT_RELEASE,
            Action.REPORT_OUTCOME,
            Action.RECORD_REQUEST,
            Action.ANSWER_REQUEST,
        }
    ),
    Role.AUDITOR: frozenset({Action.READ_AUDIT, Action.VERIFY_AUDIT, Action.READ_LOOKUPS}),
    # The exchange core sends its records as this role: it reads nothing of any case. Settings it
    # proposes; only compliance puts one in force.
    Role.ADMIN: frozenset(
        {
            Action.VERIFY_AUDIT,
            Action.PUSH_RECORDS,
            Action.PROPOSE_POLICY,
            Action.PROPOSE_RULE,
        }
    ),
    Role.SYSTEM: frozenset(
        {
            Action.COLLECT_FINDINGS,
            Action.EXECUTE_FREEZE,
            Action.DRAFT_FINDING,
            Action.RAISE_ALERT,
        }
    ),
}

# Rights that the role alone does not give: the person needs the mark `may_view_reports` as well.
# Compliance has it by office.
PERSONAL = frozenset({Action.VIEW_REPORT, Action.DRAFT_REPORT})

# Audit events whose reason tells of a conflict of interest: for those who raise walls, no further.
OF_WALLS = frozenset({"block_user", "lift_block", "refuse_break_glass"})


class PermissionDenied(Exception):
    """The actor may not do this; the message says why in one sentence."""


class StepUpRequired(PermissionDenied):
    """Allowed, but the second factor is older than five minutes: ask for it again."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the only form in which services know a person.

    `mfa_at` is when the session last proved a second factor; None where it never did.
    `may_view_reports` is the personal right to suspicion reports.
    The system acts with `user_id` None.
    """

    user_id: int | None
    role: Role
    agency_id: int | None = None
    address: str = ""
    mfa_at: datetime | None = None
    may_view_reports: bool = False

    @property
    def pk(self) -> int | None:
        return self.user_id

    @property
    def person(self) -> int:
        """The number of the person who acts. Raises PermissionDenied for the system."""
        if self.user_id is None:
            raise PermissionDenied("Only a person may do this.")
        return self.user_id


SYSTEM = Actor(user_id=None, role=Role.SYSTEM)


def may(actor: Actor, action: Action) -> bool:
    """Whether the role has the right at all; which rows it reaches is for the filters."""
    if action in PERSONAL and actor.role != Role.COMPLIANCE and not actor.may_view_reports:
        return False
    return action in GRANTS[actor.role]


def require(actor: Actor, action: Action) -> None:
    """Raise PermissionDenied unless the actor's role grants the action."""
    if not may(actor, action):
        raise PermissionDenied(f"The role {actor.role} may not {action.replace('_', ' ')}.")


def require_second_person(actor: Actor, *first: int | None) -> None:
    """Raise PermissionDenied if the actor is one of those who asked or edited last."""
    if actor.user_id is None:
        raise PermissionDenied("Only a person can be the second person.")
    if actor.user_id in first:
        raise PermissionDenied("You asked for this or edited it last: a second person decides.")


def holds_office(actor: Actor, action: Action, roles: Collection[Role]) -> bool:
    """Whether the actor may decide an act that a policy opens to `roles` (E1)."""
    return may(actor, action) or (may(actor, Action.SIGN_FREEZE) and actor.role in roles)


def require_office(actor: Actor, action: Action, roles: Collection[Role]) -> None:
    """Raise PermissionDenied unless `holds_office`."""
    if not holds_office(actor, action, roles):
        require(actor, action)


def require_step_up(actor: Actor) -> None:
    """Raise StepUpRequired unless a second factor was shown in the last five minutes."""
    if actor.mfa_at is None or timezone.now() - actor.mfa_at > STEP_UP:
        raise StepUpRequired("Enter your second factor again: it must be under 5 minutes old.")


class _OnCase(Func):
    """Whether a row about a case and a person exists; false where there is no case.

    Subqueries instead of joins: a joined filter needs DISTINCT over whole rows, and a page asks
    some forty times. In SQL, because the models stand on this module.
    """

    output_field = BooleanField()

    def as_sql(  # type: ignore[override]  # no other argument is ever given to it
        self, compiler: Any, connection: Any, **context: Any
    ) -> tuple[str, list[Any]]:
        parts = [compiler.compile(each) for each in self.get_source_expressions()]
        words = [sql for sql, _values in parts]
        return self.template.format(*words), [each for _sql, values in parts for each in values]


class _Blocked(_OnCase):
    """Of a case and a person: is the person walled off from it?"""

    template = (
        "EXISTS (SELECT 1 FROM cases_caseblock named"
        " WHERE named.case_id = {0} AND named.user_id = {1})"
    )


class _Subject(_OnCase):
    """Of a report and a person: may the person be one of its subjects?"""

    template = (
        "EXISTS (SELECT 1 FROM cases_reportwall named"
        " WHERE named.report_id = {0} AND named.user_id = {1})"
    )


class _Holder(_OnCase):
    """Of an alert and a person: may the person hold an account that it is about?"""

    template = (
        "EXISTS (SELECT 1 FROM cases_alertwall named"
        " WHERE named.alert_id = {0} AND named.user_id = {1})"
    )


class _Named(_OnCase):
    """Of a case, a person and a time: is the person named on it, at any level?"""

    template = (
        "EXISTS (SELECT 1 FROM cases_caseaccess named"
        " WHERE named.case_id = {0} AND named.user_id = {1}"
        " AND (named.expires_at IS NULL OR named.expires_at > {2}))"
    )


class _NamedToWrite(_Named):
    """As `_Named`, without those who may only read."""

    template = _Named.template[:-1] + " AND named.level IN ('write', 'lead'))"


def _reachable(actor: Actor, path: str, named: type[_Named]) -> Q:
    case = F(f"{path}pk")
    not_blocked = ~Q(_Blocked(case, Value(actor.user_id)))
    if actor.role == Role.COMPLIANCE:
        return not_blocked
    if actor.role in (Role.ANALYST, Role.SUPERVISOR):
        now = Value(timezone.now(), output_field=DateTimeField())
        open_to_unit = Q(**{f"{path}visibility": "unit"})
        return (open_to_unit | Q(named(case, Value(actor.user_id), now))) & not_blocked
    return Q(pk__in=[])


def visible_cases(actor: Actor, path: str = "") -> Q:
    """Row filter for cases, or for rows that reach one by `path` (such as "case__").

    A case of the whole unit is open to analysts and supervisors, a team's or sealed one only to
    those named on it; compliance sees all; a block beats every role.
    """
    return _reachable(actor, path, _Named)


def writable_cases(actor: Actor, path: str = "") -> Q:
    """As `visible_cases`, without the cases on which the actor is named to read only."""
    return _reachable(actor, path, _NamedToWrite)


def emergencies_to_look_at(actor: Actor) -> Q:
    """Row filter for emergency accesses that wait for this person, among the visible ones.

    Compliance looks at every one, the owner of a case at those of it; nobody at the own.
    """
    mine = Q() if actor.role == Role.COMPLIANCE else Q(case__owner_by_id=actor.user_id)
    return mine & ~Q(user_id=actor.user_id)


def visible_self_lookups(actor: Actor) -> Q:
    """Row filter for people who looked up their own name: compliance, and nobody the own (A7)."""
    if not may(actor, Action.SEE_SELF_LOOKUP):
        return Q(pk__in=[])
    return ~Q(user_id=actor.user_id) & (Q(case=None) | visible_cases(actor, "case__"))


def visible_operations(actor: Actor) -> Q:
    """Row filter for operations: compliance, who opened it, and who sees one of its cases.

    Walls are for the queryset: being walled off from one of its cases hides the whole operation.
    Needs `distinct()`.
    """
    if actor.role not in (Role.ANALYST, Role.SUPERVISOR, Role.COMPLIANCE):
        return Q(pk__in=[])
    if actor.role == Role.COMPLIANCE:
        return Q()
    return Q(opened_by_id=actor.user_id) | visible_cases(actor, "cases__")


def visible_requests(actor: Actor) -> Q:
    """Row filter for an agency's requests: they stand beside the cases, and have it of their own.

    An officer sees those of the own agency; people who work on cases see all, but one that is
    linked to a case only with that case. A conflict of interest with the case hides it too.
    """
    if actor.role == Role.LIAISON and actor.agency_id is not None:
        return Q(agency_id=actor.agency_id)
    if may(actor, Action.VIEW_REQUEST):
        return Q(case=None) | visible_cases(actor, "case__")
    return Q(pk__in=[])


def visible_alerts(actor: Actor, *, are_open: bool = False) -> Q:
    """Row filter for alerts: those of no case, and those of a case the actor may see.

    One that was merged goes where its survivor goes. To people who do not triage none exist, nor
    does one for whoever may hold its account, whatever the role. With `are_open` it is for rows of
    the open states alone, which the table keeps free of cases and survivors: four joins less.
    """
    if not may(actor, Action.TRIAGE_ALERT):
        return Q(pk__in=[])
    unheld = ~Q(_Holder(F("pk"), Value(actor.user_id)))
    if are_open:
        return unheld
    of_no_case = Q(case=None) & (Q(merged_into=None) | Q(merged_into__case=None))
    where_it_went = (
        of_no_case
        | (Q(case__isnull=False) & visible_cases(actor, "case__"))
        | (Q(merged_into__case__isnull=False) & visible_cases(actor, "merged_into__case__"))
    )
    return where_it_went & unheld


def visible_reports(actor: Actor) -> Q:
    """Row filter for suspicion reports: without the right none exists, whatever the case (P1).

    Nor does one exist for whoever may be a subject of it, whatever the role.
    """
    if not may(actor, Action.VIEW_REPORT):
        return Q(pk__in=[])
    return visible_cases(actor, "case__") & ~Q(_Subject(F("pk"), Value(actor.user_id)))
