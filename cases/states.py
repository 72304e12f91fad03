"""The states of every casework object and the actions that lead from one to the next.

A table per object: what is not listed is refused. No Django and no I/O here; docs/states.md is
drawn from these tables and a test holds the two equal. Who may act stands in policy.py.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


class InvalidTransition(Exception):
    """The object moved on meanwhile, or this action does not start from its state."""


class CaseState(StrEnum):
    INTAKE = "intake"
    INVESTIGATING = "investigating"
    ON_HOLD = "on_hold"
    IN_REVIEW = "in_review"
    DECIDED = "decided"
    CLOSED = "closed"
    MERGED = "merged"


class CaseAction(StrEnum):
    START = "start_case"
    HOLD = "hold_case"
    RESUME = "resume_case"
    SUBMIT = "submit_case"
    RETURN = "return_case"
    DECIDE = "decide_case"
    CLOSE = "close_case"
    REOPEN = "reopen_case"
    MERGE = "merge_case"


CASE: Mapping[tuple[CaseState, CaseAction], CaseState] = {
    (CaseState.INTAKE, CaseAction.START): CaseState.INVESTIGATING,
    (CaseState.INTAKE, CaseAction.HOLD): CaseState.ON_HOLD,
    (CaseState.INVESTIGATING, CaseAction.HOLD): CaseState.ON_HOLD,
    (CaseState.ON_HOLD, CaseAction.RESUME): CaseState.INVESTIGATING,
    (CaseState.INVESTIGATING, CaseAction.SUBMIT): CaseState.IN_REVIEW,
    (CaseState.IN_REVIEW, CaseAction.RETURN): CaseState.INVESTIGATING,
    (CaseState.IN_REVIEW, CaseAction.DECIDE): CaseState.DECIDED,
    (CaseState.DECIDED, CaseAction.CLOSE): CaseState.CLOSED,
    (CaseState.DECIDED, CaseAction.REOPEN): CaseState.INVESTIGATING,
    (CaseState.CLOSED, CaseAction.REOPEN): CaseState.INVESTIGATING,
    (CaseState.INTAKE, CaseAction.MERGE): CaseState.MERGED,
    (CaseState.INVESTIGATING, CaseAction.MERGE): CaseState.MERGED,
    (CaseState.ON_HOLD, CaseAction.MERGE): CaseState.MERGED,
    (CaseState.IN_REVIEW, CaseAction.MERGE): CaseState.MERGED,
    (CaseState.DECIDED, CaseAction.MERGE): CaseState.MERGED,
}
OVER_CASES = (CaseState.CLOSED, CaseState.MERGED)


class FindingState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class FindingAction(StrEnum):
    SUBMIT = "submit_finding"
    RETURN = "return_finding"
    REJECT = "reject_finding"
    APPROVE = "approve_finding"
    WITHDRAW = "withdraw_finding"
    SUPERSEDE = "supersede_finding"


FINDING: Mapping[tuple[FindingState, FindingAction], FindingState] = {
    (FindingState.DRAFT, FindingAction.SUBMIT): FindingState.SUBMITTED,
    (FindingState.SUBMITTED, FindingAction.RETURN): FindingState.DRAFT,
    (FindingState.SUBMITTED, FindingAction.REJECT): FindingState.REJECTED,
    (FindingState.SUBMITTED, FindingAction.APPROVE): FindingState.APPROVED,
    (FindingState.APPROVED, FindingAction.WITHDRAW): FindingState.WITHDRAWN,
    (FindingState.APPROVED, FindingAction.SUPERSEDE): FindingState.SUPERSEDED,
}


class TagState(StrEnum):
    PROPOSED = "proposed"
    REFUSED = "refused"
    ACTIVE = "active"
    DISPUTED = "disputed"
    RETRACTED = "retracted"


class TagAction(StrEnum):
    ACTIVATE = "activate_tag"
    REFUSE = "refuse_tag"
    DISPUTE = "dispute_tag"
    RETRACT = "retract_tag"


TAG: Mapping[tuple[TagState, TagAction], TagState] = {
    (TagState.PROPOSED, TagAction.ACTIVATE): TagState.ACTIVE,
    (TagState.PROPOSED, TagAction.REFUSE): TagState.REFUSED,
    (TagState.ACTIVE, TagAction.DISPUTE): TagState.DISPUTED,
    (TagState.DISPUTED, TagAction.ACTIVATE): TagState.ACTIVE,
    (TagState.DISPUTED, TagAction.RETRACT): TagState.RETRACTED,
}


class IdentityState(StrEnum):
    ASSERTED = "asserted"
    REVIEWED = "reviewed"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"


class IdentityAction(StrEnum):
    REVIEW = "review_identity"
    CONFIRM = "confirm_identity"
    REFUTE = "refute_identity"


IDENTITY: Mapping[tuple[IdentityState, IdentityAction], IdentityState] = {
    (IdentityState.ASSERTED, IdentityAction.REVIEW): IdentityState.REVIEWED,
    (IdentityState.ASSERTED, IdentityAction.REFUTE): IdentityState.REFUTED,
    (IdentityState.REVIEWED, IdentityAction.CONFIRM): IdentityState.CONFIRMED,
    (IdentityState.REVIEWED, IdentityAction.REFUTE): IdentityState.REFUTED,
    (IdentityState.CONFIRMED, IdentityAction.REFUTE): IdentityState.REFUTED,
}


class FreezeState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    PROVISIONAL = "provisional"
    APPROVED = "approved"
    EXECUTING = "executing"
    FAILED = "failed"
    ACTIVE = "active"
    DECISION_DUE = "decision_due"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"
    CLOSED = "closed"


class FreezeAction(StrEnum):
    SUBMIT = "submit_freeze"
    CANCEL = "cancel_freeze"
    TRIAGE = "triage_freeze"
    PLACE_PROVISIONAL = "place_provisional_freeze"
    REJECT = "reject_freeze"
    APPROVE = "approve_freeze"
    RATIFY = "ratify_freeze"
    LAPSE = "lapse_freeze"
    EXECUTE = "execute_freeze"
    SETTLE = "settle_freeze"
    FAIL = "fail_freeze"
    FLAG_DECISION_DUE = "flag_decision_due"
    EXTEND = "extend_freeze"
    CLOSE = "close_freeze"


FREEZE: Mapping[tuple[FreezeState, FreezeAction], FreezeState] = {
    (FreezeState.DRAFT, FreezeAction.SUBMIT): FreezeState.SUBMITTED,
    (FreezeState.DRAFT, FreezeAction.CANCEL): FreezeState.CANCELLED,
    (FreezeState.SUBMITTED, FreezeAction.CANCEL): FreezeState.CANCELLED,
    (FreezeState.SUBMITTED, FreezeAction.TRIAGE): FreezeState.IN_REVIEW,
    (FreezeState.SUBMITTED, FreezeAction.PLACE_PROVISIONAL): FreezeState.PROVISIONAL,
    (FreezeState.IN_REVIEW, FreezeAction.PLACE_PROVISIONAL): FreezeState.PROVISIONAL,
    (FreezeState.IN_REVIEW, FreezeAction.REJECT): FreezeState.REJECTED,
    (FreezeState.PROVISIONAL, FreezeAction.REJECT): FreezeState.REJECTED,
    (FreezeState.IN_REVIEW, FreezeAction.APPROVE): FreezeState.APPROVED,
    (FreezeState.PROVISIONAL, FreezeAction.RATIFY): FreezeState.ACTIVE,
    (FreezeState.PROVISIONAL, FreezeAction.LAPSE): FreezeState.LAPSED,
    (FreezeState.APPROVED, FreezeAction.EXECUTE): FreezeState.EXECUTING,
    (FreezeState.FAILED, FreezeAction.EXECUTE): FreezeState.EXECUTING,
    (FreezeState.FAILED, FreezeAction.CANCEL): FreezeState.CANCELLED,
    (FreezeState.EXECUTING, FreezeAction.SETTLE): FreezeState.ACTIVE,
    (FreezeState.EXECUTING, FreezeAction.FAIL): FreezeState.FAILED,
    (FreezeState.ACTIVE, FreezeAction.FLAG_DECISION_DUE): FreezeState.DECISION_DUE,
    (FreezeState.ACTIVE, FreezeAction.EXTEND): FreezeState.ACTIVE,
    (FreezeState.DECISION_DUE, FreezeAction.EXTEND): FreezeState.ACTIVE,
    (FreezeState.ACTIVE, FreezeAction.CLOSE): FreezeState.CLOSED,
    (FreezeState.DECISION_DUE, FreezeAction.CLOSE): FreezeState.CLOSED,
}


class ExtensionState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class ExtensionAction(StrEnum):
    APPROVE = "approve_extension"
    REJECT = "reject_extension"


EXTENSION: Mapping[tuple[ExtensionState, ExtensionAction], ExtensionState] = {
    (ExtensionState.REQUESTED, ExtensionAction.APPROVE): ExtensionState.APPROVED,
    (ExtensionState.REQUESTED, ExtensionAction.REJECT): ExtensionState.REJECTED,
}


class FreezeReleaseState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    UNKNOWN = "unknown"
    EXECUTED = "executed"
    FAILED = "failed"
    REJECTED = "rejected"


class FreezeReleaseAction(StrEnum):
    APPROVE = "approve_release"
    REJECT = "reject_release"
    TIME_OUT = "time_out_release"
    RESEND = "resend_release"
    EXECUTE = "execute_release"
    FAIL = "fail_release"


FREEZE_RELEASE: Mapping[tuple[FreezeReleaseState, FreezeReleaseAction], FreezeReleaseState] = {
    (FreezeReleaseState.REQUESTED, FreezeReleaseAction.APPROVE): FreezeReleaseState.APPROVED,
    (FreezeReleaseState.REQUESTED, FreezeReleaseAction.REJECT): FreezeReleaseState.REJECTED,
    (FreezeReleaseState.APPROVED, FreezeReleaseAction.TIME_OUT): FreezeReleaseState.UNKNOWN,
    (FreezeReleaseState.APPROVED, FreezeReleaseAction.EXECUTE): FreezeReleaseState.EXECUTED,
    (FreezeReleaseState.APPROVED, FreezeReleaseAction.FAIL): FreezeReleaseState.FAILED,
    (FreezeReleaseState.UNKNOWN, FreezeReleaseAction.RESEND): FreezeReleaseState.APPROVED,
    (FreezeReleaseState.UNKNOWN, FreezeReleaseAction.EXECUTE): FreezeReleaseState.EXECUTED,
    (FreezeReleaseState.UNKNOWN, FreezeReleaseAction.FAIL): FreezeReleaseState.FAILED,
}


class SeizureState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    UNKNOWN = "unknown"
    SEIZED = "seized"
    TRANSFERRING = "transferring"
    TRANSFER_UNKNOWN = "transfer_unknown"
    TRANSFERRED = "transferred"
    FAILED = "failed"
    REJECTED = "rejected"


class SeizureAction(StrEnum):
    APPROVE = "approve_seizure"
    REJECT = "reject_seizure"
    TIME_OUT = "time_out_seizure"
    RESEND = "resend_seizure"
    EXECUTE = "execute_seizure"
    FAIL = "fail_seizure"
    TRANSFER = "transfer_seizure"
    TIME_OUT_TRANSFER = "time_out_transfer"
    RESEND_TRANSFER = "resend_transfer"
    CONFIRM_TRANSFER = "confirm_transfer"
    REFUSE_TRANSFER = "refuse_transfer"


SEIZURE: Mapping[tuple[SeizureState, SeizureAction], SeizureState] = {
    (SeizureState.REQUESTED, SeizureAction.APPROVE): SeizureState.APPROVED,
    (SeizureState.REQUESTED, SeizureAction.REJECT): SeizureState.REJECTED,
    (SeizureState.APPROVED, SeizureAction.TIME_OUT): SeizureState.UNKNOWN,
    (SeizureState.APPROVED, SeizureAction.EXECUTE): SeizureState.SEIZED,
    (SeizureState.APPROVED, SeizureAction.FAIL): SeizureState.FAILED,
    (SeizureState.UNKNOWN, SeizureAction.RESEND): SeizureState.APPROVED,
    (SeizureState.UNKNOWN, SeizureAction.EXECUTE): SeizureState.SEIZED,
    (SeizureState.UNKNOWN, SeizureAction.FAIL): SeizureState.FAILED,
    (SeizureState.SEIZED, SeizureAction.TRANSFER): SeizureState.TRANSFERRING,
    (SeizureState.TRANSFERRING, SeizureAction.TIME_OUT_TRANSFER): SeizureState.TRANSFER_UNKNOWN,
    (SeizureState.TRANSFERRING, SeizureAction.CONFIRM_TRANSFER): SeizureState.TRANSFERRED,
    (SeizureState.TRANSFERRING, SeizureAction.REFUSE_TRANSFER): SeizureState.SEIZED,
    (SeizureState.TRANSFER_UNKNOWN, SeizureAction.RESEND_TRANSFER): SeizureState.TRANSFERRING,
    (SeizureState.TRANSFER_UNKNOWN, SeizureAction.CONFIRM_TRANSFER): SeizureState.TRANSFERRED,
    (SeizureState.TRANSFER_UNKNOWN, SeizureAction.REFUSE_TRANSFER): SeizureState.SEIZED,
}

# While one of these stands, no unit of the freeze is promised to anything else.
OPEN_SEIZURE_STATES = (
    SeizureState.REQUESTED.value,
    SeizureState.APPROVED.value,
    SeizureState.UNKNOWN.value,
)


class LineState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    HELD = "held"
    REFUSED = "refused"
    RELEASED = "released"
    SEIZED = "seized"


class LineAction(StrEnum):
    SEND = "send_line"
    CONFIRM = "confirm_line"
    REFUSE = "refuse_line"
    TIME_OUT = "time_out_line"
    RESEND = "resend_line"
    RELEASE = "release_line"
    SEIZE = "seize_line"


LINE: Mapping[tuple[LineState, LineAction], LineState] = {
    (LineState.PLANNED, LineAction.SEND): LineState.SENT,
    (LineState.REFUSED, LineAction.SEND): LineState.SENT,
    (LineState.SENT, LineAction.CONFIRM): LineState.HELD,
    (LineState.SENT, LineAction.REFUSE): LineState.REFUSED,
    (LineState.SENT, LineAction.TIME_OUT): LineState.UNKNOWN,
    (LineState.UNKNOWN, LineAction.CONFIRM): LineState.HELD,
    (LineState.UNKNOWN, LineAction.REFUSE): LineState.REFUSED,
    (LineState.UNKNOWN, LineAction.RESEND): LineState.SENT,
    (LineState.HELD, LineAction.RELEASE): LineState.RELEASED,
    (LineState.HELD, LineAction.SEIZE): LineState.SEIZED,
}

# One of these per account and asset, held by a unique index.
LIVE_LINE_STATES = (LineState.SENT.value, LineState.UNKNOWN.value, LineState.HELD.value)


class OperationState(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ACTION_DAY = "action_day"
    CLOSED = "closed"
    PUBLISHED = "published"


class OperationAction(StrEnum):
    START = "start_operation"
    OPEN_ACTION_DAY = "open_action_day"
    CLOSE = "close_operation"
    PUBLISH = "publish_operation"


OPERATION: Mapping[tuple[OperationState, OperationAction], OperationState] = {
    (OperationState.PLANNED, OperationAction.START): OperationState.ACTIVE,
    (OperationState.ACTIVE, OperationAction.OPEN_ACTION_DAY): OperationState.ACTION_DAY,
    (OperationState.ACTIVE, OperationAction.CLOSE): OperationState.CLOSED,
    (OperationState.ACTION_DAY, OperationAction.CLOSE): OperationState.CLOSED,
    (OperationState.CLOSED, OperationAction.PUBLISH): OperationState.PUBLISHED,
}

# Whose cases stay as they are: none joins, none leaves.
OVER_OPERATIONS = (OperationState.CLOSED.value, OperationState.PUBLISHED.value)


class TaskState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class TaskAction(StrEnum):
    FINISH = "finish_task"
    DROP = "drop_task"


TASK: Mapping[tuple[TaskState, TaskAction], TaskState] = {
    (TaskState.OPEN, TaskAction.FINISH): TaskState.DONE,
    (TaskState.OPEN, TaskAction.DROP): TaskState.DROPPED,
}


class EvidenceState(StrEnum):
    ACQUIRED = "acquired"
    SEALED = "sealed"
    DISPOSAL_REQUESTED = "disposal_requested"
    DISPOSED = "disposed"


class EvidenceAction(StrEnum):
    SEAL = "seal_evidence"
    REQUEST_DISPOSAL = "request_disposal"
    DISPOSE = "dispose_evidence"
    KEEP = "keep_evidence"


EVIDENCE: Mapping[tuple[EvidenceState, EvidenceAction], EvidenceState] = {
    (EvidenceState.ACQUIRED, EvidenceAction.SEAL): EvidenceState.SEALED,
    (EvidenceState.SEALED, EvidenceAction.REQUEST_DISPOSAL): EvidenceState.DISPOSAL_REQUESTED,
    (EvidenceState.DISPOSAL_REQUESTED, EvidenceAction.DISPOSE): EvidenceState.DISPOSED,
    (EvidenceState.DISPOSAL_REQUESTED, EvidenceAction.KEEP): EvidenceState.SEALED,
}


class ReferralState(StrEnum):
    DRAFT = "draft"
    REDACTION = "redaction"
    APPROVED = "approved"
    CLEARED = "cleared"
    PACKAGED = "packaged"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RECALLED = "recalled"


class ReferralAction(StrEnum):
    REDACT = "redact_referral"
    RETURN = "return_referral"
    APPROVE = "approve_referral"
    CLEAR = "clear_referral"
    PACKAGE = "package_referral"
    SEND = "send_referral"
    ACKNOWLEDGE = "acknowledge_referral"
    RECALL = "recall_referral"


REFERRAL: Mapping[tuple[ReferralState, ReferralAction], ReferralState] = {
    (ReferralState.DRAFT, ReferralAction.REDACT): ReferralState.REDACTION,
    (ReferralState.REDACTION, ReferralAction.RETURN): ReferralState.DRAFT,
    (ReferralState.APPROVED, ReferralAction.RETURN): ReferralState.DRAFT,
    (ReferralState.CLEARED, ReferralAction.RETURN): ReferralState.DRAFT,
    (ReferralState.REDACTION, ReferralAction.APPROVE): ReferralState.APPROVED,
    (ReferralState.APPROVED, ReferralAction.CLEAR): ReferralState.CLEARED,
    (ReferralState.CLEARED, ReferralAction.PACKAGE): ReferralState.PACKAGED,
    (ReferralState.PACKAGED, ReferralAction.SEND): ReferralState.SENT,
    (ReferralState.SENT, ReferralAction.ACKNOWLEDGE): ReferralState.ACKNOWLEDGED,
    (ReferralState.PACKAGED, ReferralAction.RECALL): ReferralState.RECALLED,
    (ReferralState.SENT, ReferralAction.RECALL): ReferralState.RECALLED,
    (ReferralState.ACKNOWLEDGED, ReferralAction.RECALL): ReferralState.RECALLED,
}


class ReleaseState(StrEnum):
    SEALED = "sealed"
    SHARED = "shared"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"


class ReleaseAction(StrEnum):
    SHARE = "share_release"
    SUPERSEDE = "supersede_release"
    RECALL = "recall_release"


RELEASE: Mapping[tuple[ReleaseState, ReleaseAction], ReleaseState] = {
    (ReleaseState.SEALED, ReleaseAction.SHARE): ReleaseState.SHARED,
    (ReleaseState.SEALED, ReleaseAction.RECALL): ReleaseState.RECALLED,
    (ReleaseState.SHARED, ReleaseAction.SUPERSEDE): ReleaseState.SUPERSEDED,
    (ReleaseState.SHARED, ReleaseAction.RECALL): ReleaseState.RECALLED,
}


class RequestState(StrEnum):
    RECEIVED = "received"
    VERIFYING = "verifying"
    CLARIFICATION = "clarification"
    IN_REVIEW = "in_review"
    COLLECTING = "collecting"
    NO_MATCH = "no_match"
    REFUSED = "refused"
    RELEASED = "released"
    CLOSED = "closed"


class RequestAction(StrEnum):
    START = "start_verification"
    VERIFY = "verify_requester"
    ASK = "ask_agency"
    ANSWER = "answer_agency"
    ACCEPT = "accept_request"
    NO_MATCH = "mark_no_match"
    REFUSE = "refuse_request"
    RELEASE = "release_response"
    CLOSE = "close_request"


REQUEST: Mapping[tuple[RequestState, RequestAction], RequestState] = {
    (RequestState.RECEIVED, RequestAction.START): RequestState.VERIFYING,
    (RequestState.VERIFYING, RequestAction.VERIFY): RequestState.IN_REVIEW,
    (RequestState.VERIFYING, RequestAction.ASK): RequestState.CLARIFICATION,
    (RequestState.IN_REVIEW, RequestAction.ASK): RequestState.CLARIFICATION,
    (RequestState.CLARIFICATION, RequestAction.ANSWER): RequestState.VERIFYING,
    (RequestState.VERIFYING, RequestAction.REFUSE): RequestState.REFUSED,
    (RequestState.IN_REVIEW, RequestAction.REFUSE): RequestState.REFUSED,
    (RequestState.IN_REVIEW, RequestAction.NO_MATCH): RequestState.NO_MATCH,
    (RequestState.IN_REVIEW, RequestAction.ACCEPT): RequestState.COLLECTING,
    (RequestState.COLLECTING, RequestAction.RELEASE): RequestState.RELEASED,
    (RequestState.RELEASED, RequestAction.CLOSE): RequestState.CLOSED,
    (RequestState.NO_MATCH, RequestAction.CLOSE): RequestState.CLOSED,
    (RequestState.REFUSED, RequestAction.CLOSE): RequestState.CLOSED,
}


class AlertState(StrEnum):
    NEW = "new"
    ASSIGNED = "assigned"
    LINKED = "linked"
    DISMISSED = "dismissed"
    MERGED = "merged"


class AlertAction(StrEnum):
    ASSIGN = "assign_alert"
    LINK = "link_alert"
    DISMISS = "dismiss_alert"
    REOPEN = "reopen_alert"
    MERGE = "merge_alert"


ALERT: Mapping[tuple[AlertState, AlertAction], AlertState] = {
    (AlertState.NEW, AlertAction.ASSIGN): AlertState.ASSIGNED,
    (AlertState.NEW, AlertAction.LINK): AlertState.LINKED,
    (AlertState.ASSIGNED, AlertAction.LINK): AlertState.LINKED,
    (AlertState.NEW, AlertAction.DISMISS): AlertState.DISMISSED,
    (AlertState.ASSIGNED, AlertAction.DISMISS): AlertState.DISMISSED,
    (AlertState.DISMISSED, AlertAction.REOPEN): AlertState.ASSIGNED,
    (AlertState.NEW, AlertAction.MERGE): AlertState.MERGED,
    (AlertState.ASSIGNED, AlertAction.MERGE): AlertState.MERGED,
}

OPEN_ALERT_STATES = (AlertState.NEW.value, AlertState.ASSIGNED.value)


class ReportState(StrEnum):
    DRAFTING = "drafting"
    VALIDATED = "validated"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    FILED = "filed"
    DISPOSAL_REQUESTED = "disposal_requested"
    DISPOSED = "disposed"


class ReportAction(StrEnum):
    VALIDATE = "validate_report"
    REVIEW = "review_report"
    RETURN = "return_report"
    APPROVE = "approve_report"
    FILE = "file_report"
    REQUEST_DISPOSAL = "request_report_disposal"
    DISPOSE = "dispose_report"
    KEEP = "keep_report"


REPORT: Mapping[tuple[ReportState, ReportAction], ReportState] = {
    (ReportState.DRAFTING, ReportAction.VALIDATE): ReportState.VALIDATED,
    (ReportState.VALIDATED, ReportAction.REVIEW): ReportState.IN_REVIEW,
    (ReportState.VALIDATED, ReportAction.RETURN): ReportState.DRAFTING,
    (ReportState.IN_REVIEW, ReportAction.RETURN): ReportState.DRAFTING,
    (ReportState.IN_REVIEW, ReportAction.APPROVE): ReportState.APPROVED,
    (ReportState.APPROVED, ReportAction.FILE): ReportState.FILED,
    (ReportState.FILED, ReportAction.REQUEST_DISPOSAL): ReportState.DISPOSAL_REQUESTED,
    (ReportState.DISPOSAL_REQUESTED, ReportAction.DISPOSE): ReportState.DISPOSED,
    (ReportState.DISPOSAL_REQUESTED, ReportAction.KEEP): ReportState.FILED,
}

SENT_REPORT_STATES = (
    ReportState.FILED.value, ReportState.DISPOSAL_REQUESTED.value, ReportState.DISPOSED.value,
)  # fmt: skip


class PolicyState(StrEnum):
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class PolicyAction(StrEnum):
    APPROVE = "approve_policy"
    REJECT = "reject_policy"
    SUPERSEDE = "supersede_policy"


POLICY: Mapping[tuple[PolicyState, PolicyAction], PolicyState] = {
    (PolicyState.PROPOSED, PolicyAction.APPROVE): PolicyState.IN_FORCE,
    (PolicyState.PROPOSED, PolicyAction.REJECT): PolicyState.REJECTED,
    (PolicyState.IN_FORCE, PolicyAction.SUPERSEDE): PolicyState.SUPERSEDED,
}


class PreservationState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


class PreservationAction(StrEnum):
    RENEW = "renew_preservation"
    END = "end_preservation"


# It never ends by itself: what is over asks a person.
PRESERVATION: Mapping[tuple[PreservationState, PreservationAction], PreservationState] = {
    (PreservationState.ACTIVE, PreservationAction.RENEW): PreservationState.ACTIVE,
    (PreservationState.ACTIVE, PreservationAction.END): PreservationState.ENDED,
}


class OutboundState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    ANSWERED = "answered"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class OutboundAction(StrEnum):
    APPROVE = "approve_outbound"
    SEND = "send_outbound"
    ANSWER = "answer_outbound"
    CLOSE = "close_outbound"
    WITHDRAW = "withdraw_outbound"


OUTBOUND: Mapping[tuple[OutboundState, OutboundAction], OutboundState] = {
    (OutboundState.DRAFT, OutboundAction.APPROVE): OutboundState.APPROVED,
    (OutboundState.DRAFT, OutboundAction.WITHDRAW): OutboundState.WITHDRAWN,
    (OutboundState.APPROVED, OutboundAction.SEND): OutboundState.SENT,
    (OutboundState.APPROVED, OutboundAction.WITHDRAW): OutboundState.WITHDRAWN,
    (OutboundState.SENT, OutboundAction.ANSWER): OutboundState.ANSWERED,
    (OutboundState.SENT, OutboundAction.CLOSE): OutboundState.CLOSED,
    (OutboundState.ANSWERED, OutboundAction.CLOSE): OutboundState.CLOSED,
}


class OfficerState(StrEnum):
    PROPOSED = "proposed"
    VERIFIED = "verified"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REPLACED = "replaced"


class OfficerAction(StrEnum):
    VERIFY = "verify_officer"
    REJECT = "reject_officer"
    SUSPEND = "suspend_officer"
    EXPIRE = "expire_officer"
    REPLACE = "replace_officer"


# An account that was closed opens again only by a new entry, which two people verify.
OFFICER: Mapping[tuple[OfficerState, OfficerAction], OfficerState] = {
    (OfficerState.PROPOSED, OfficerAction.VERIFY): OfficerState.VERIFIED,
    (OfficerState.PROPOSED, OfficerAction.REJECT): OfficerState.REJECTED,
    (OfficerState.VERIFIED, OfficerAction.SUSPEND): OfficerState.SUSPENDED,
    (OfficerState.VERIFIED, OfficerAction.EXPIRE): OfficerState.EXPIRED,
    (OfficerState.VERIFIED, OfficerAction.REPLACE): OfficerState.REPLACED,
    (OfficerState.SUSPENDED, OfficerAction.REPLACE): OfficerState.REPLACED,
    (OfficerState.EXPIRED, OfficerAction.REPLACE): OfficerState.REPLACED,
}


class DetectionState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class DetectionAction(StrEnum):
    CLAIM = "claim_detection"
    YIELD = "yield_detection"
    FINISH = "finish_detection"
    FAIL = "fail_detection"


DETECTION: Mapping[tuple[DetectionState, DetectionAction], DetectionState] = {
    (DetectionState.QUEUED, DetectionAction.CLAIM): DetectionState.RUNNING,
    (DetectionState.RUNNING, DetectionAction.CLAIM): DetectionState.RUNNING,
    (DetectionState.RUNNING, DetectionAction.YIELD): DetectionState.QUEUED,
    (DetectionState.RUNNING, DetectionAction.FINISH): DetectionState.DONE,
    (DetectionState.QUEUED, DetectionAction.FAIL): DetectionState.FAILED,
    (DetectionState.RUNNING, DetectionAction.FAIL): DetectionState.FAILED,
}


class OutboxState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class OutboxAction(StrEnum):
    SEND = "send_message"
    CONFIRM = "confirm_message"
    REFUSE = "refuse_message"
    TIME_OUT = "time_out_message"
    RESEND = "resend_message"


OUTBOX: Mapping[tuple[OutboxState, OutboxAction], OutboxState] = {
    (OutboxState.PENDING, OutboxAction.SEND): OutboxState.SENDING,
    (OutboxState.SENDING, OutboxAction.CONFIRM): OutboxState.CONFIRMED,
    (OutboxState.SENDING, OutboxAction.REFUSE): OutboxState.REFUSED,
    (OutboxState.SENDING, OutboxAction.TIME_OUT): OutboxState.UNKNOWN,
    (OutboxState.UNKNOWN, OutboxAction.CONFIRM): OutboxState.CONFIRMED,
    (OutboxState.UNKNOWN, OutboxAction.REFUSE): OutboxState.REFUSED,
    (OutboxState.UNKNOWN, OutboxAction.RESEND): OutboxState.PENDING,
}


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryAction(StrEnum):
    SEND = "send_delivery"
    CONFIRM = "confirm_delivery"
    RETRY = "retry_delivery"
    GIVE_UP = "give_up_delivery"
    REDELIVER = "redeliver"


DELIVERY: Mapping[tuple[DeliveryState, DeliveryAction], DeliveryState] = {
    (DeliveryState.PENDING, DeliveryAction.SEND): DeliveryState.SENDING,
    (DeliveryState.SENDING, DeliveryAction.CONFIRM): DeliveryState.DELIVERED,
    (DeliveryState.SENDING, DeliveryAction.RETRY): DeliveryState.PENDING,
    (DeliveryState.SENDING, DeliveryAction.GIVE_UP): DeliveryState.FAILED,
    (DeliveryState.FAILED, DeliveryAction.REDELIVER): DeliveryState.PENDING,
    (DeliveryState.DELIVERED, DeliveryAction.REDELIVER): DeliveryState.PENDING,
}


def next_state(table: Mapping[tuple[S, A], S], state: S, action: A) -> S:
    """The state that `action` leads to from `state`.

    Raises InvalidTransition where the table does not list the pair.
    """
    try:
        return table[(state, action)]
    except KeyError:
        words = state.replace("_", " ")
        raise InvalidTransition(
            f"Nothing was done: it is {words} by now. Look at it again before you go on."
        ) from None
