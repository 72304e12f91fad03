"""Tables and constraints of the casework."""

from cases.models.access import EmergencyAccess, EmergencyLook
from cases.models.account_events import AccountEvent, CustomerProfile, Provider
from cases.models.alerts import Alert, AlertWall, Rule
from cases.models.approval_policies import ApprovalPolicy
from cases.models.audit import AuditEvent, OutboxMessage, ReadEvent
from cases.models.base import ReferenceCounter
from cases.models.book_runs import BookRun
from cases.models.cases import Case, CaseAccess, CaseBlock
from cases.models.clocks import ClockRule
from cases.models.cohort_samples import CohortSample, SampledMember
from cases.models.cohorts import Cohort, CohortMember, CohortPayment
from cases.models.detection_runs import DetectionRun
from cases.models.downloads import ReleaseDownload
from cases.models.evidence import CustodyEvent, Evidence
from cases.models.exchange import (
    AccountLink,
    Asset,
    Balance,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    OwnAddress,
    Price,
)
from cases.models.findings import (
    CounterEvidence,
    Finding,
    FindingAmount,
    FindingApproval,
    FindingVersion,
)
from cases.models.freezes import (
    ExtensionApproval,
    FreezeApproval,
    FreezeExtension,
    FreezeLine,
    FreezeReceipt,
    FreezeRelease,
    FreezeReleaseApproval,
    FreezeReleaseLine,
    FreezeRequest,
    LegalInstrument,
)
from cases.models.holds import LegalHold
from cases.models.idempotency import IdempotencyKey
from cases.models.identities import IdentityLink
from cases.models.import_marks import ImportMark
from cases.models.inbox import InboxSnooze, InboxView
from cases.models.label_sources import LabelSource
from cases.models.legacy import LegacyCase
from cases.models.legal_rows import LegalRow
from cases.models.limits import Pace
from cases.models.officers import AgencyEntry, OfficerAlarm, OfficerEntry
from cases.models.operations import Operation, OperationPartner
from cases.models.outbound import OutboundRequest
from cases.models.outcomes import Outcome
from cases.models.preservations import Preservation
from cases.models.questions import AnswerProposal, ReleaseQuestion
from cases.models.referral_members import ReferralMember
from cases.models.referrals import (
    Referral,
    ReferralApproval,
    ReleaseFile,
    SharedRelease,
    ShareGrant,
)
from cases.models.relations import CaseRelation
from cases.models.reports import (
    ReportAcknowledgement,
    ReportApproval,
    ReportEvent,
    ReportSubject,
    ReportWall,
    SuspicionReport,
)
from cases.models.requests import (
    InformationRequest,
    RequestCheck,
    RequestDecision,
    RequestIdentifier,
    RequestMessage,
)
from cases.models.risk_models import RiskScore, TrainedModel
from cases.models.rules import RuleChange
from cases.models.second_looks import SecondLook
from cases.models.seizures import Seizure, SeizureApproval, SeizureLine
from cases.models.self_lookups import SelfLookup
from cases.models.separations import Separation
from cases.models.stamps import ReleaseStamp
from cases.models.suspects import Suspect, SuspectAccount, SuspectName
from cases.models.tag_conflicts import TagConflict
from cases.models.tags import HouseTag
from cases.models.tasks import InboxClaim, Note, NoteRevision, Task
from cases.models.traces import CaseRun, ReachedAccount
from cases.models.wallets import Wallet
from cases.models.warnings import FreezeWarning
from cases.models.watches import Watch, WatchNotice
from cases.models.webhooks import Webhook, WebhookDelivery

__all__ = [
    "AccountEvent",
    "AccountLink",
    "AgencyEntry",
    "Alert",
    "AlertWall",
    "AnswerProposal",
    "ApprovalPolicy",
    "Asset",
    "AuditEvent",
    "Balance",
    "BookRun",
    "Case",
    "CaseAccess",
    "CaseBlock",
    "CaseRelation",
    "CaseRun",
    "ClockRule",
    "Cohort",
    "CohortMember",
    "CohortPayment",
    "CohortSample",
    "CounterEvidence",
    "CustodyEvent",
    "CustomerProfile",
    "DepositAddress",
    "DetectionRun",
    "EmergencyAccess",
    "EmergencyLook",
    "Evidence",
    "ExchangeAccount",
    "ExchangeRecord",
    "ExtensionApproval",
    "Finding",
    "FindingAmount",
    "FindingApproval",
    "FindingVersion",
    "FreezeApproval",
    "FreezeExtension",
    "FreezeLine",
    "FreezeReceipt",
    "FreezeRelease",
    "FreezeReleaseApproval",
    "FreezeReleaseLine",
    "FreezeRequest",
    "FreezeWarning",
    "HouseTag",
    "IdempotencyKey",
    "IdentityLink",
    "ImportMark",
    "InboxClaim",
    "InboxSnooze",
    "InboxView",
    "InformationRequest",
    "LabelSource",
    "LegacyCase",
    "LegalHold",
    "LegalInstrument",
    "LegalRow",
    "Note",
    "NoteRevision",
    "OfficerAlarm",
    "OfficerEntry",
    "Operation",
    "OperationPartner",
    "OutboundRequest",
    "OutboxMessage",
    "Outcome",
    "OwnAddress",
    "Pace",
    "Preservation",
    "Price",
    "Provider",
    "ReachedAccount",
    "ReadEvent",
    "ReferenceCounter",
    "Referral",
    "ReferralApproval",
    "ReferralMember",
    "ReleaseDownload",
    "ReleaseFile",
    "ReleaseQuestion",
    "ReleaseStamp",
    "ReportAcknowledgement",
    "ReportApproval",
    "ReportEvent",
    "ReportSubject",
    "ReportWall",
    "RequestCheck",
    "RequestDecision",
    "RequestIdentifier",
    "RequestMessage",
    "RiskScore",
    "Rule",
    "RuleChange",
    "SampledMember",
    "SecondLook",
    "Seizure",
    "SeizureApproval",
    "SeizureLine",
    "SelfLookup",
    "Separation",
    "ShareGrant",
    "SharedRelease",
    "Suspect",
    "SuspectAccount",
    "SuspectName",
    "SuspicionReport",
    "TagConflict",
    "Task",
    "TrainedModel",
    "Wallet",
    "Watch",
    "WatchNotice",
    "Webhook",
    "WebhookDelivery",
]
