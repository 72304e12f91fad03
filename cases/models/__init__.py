"""Tables and constraints of the casework."""

from cases.models.alerts import Alert, Rule
from cases.models.audit import AuditEvent, OutboxMessage, ReadEvent
from cases.models.base import ReferenceCounter
from cases.models.cases import Case, CaseAccess, CaseBlock
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
from cases.models.findings import CounterEvidence, Finding, FindingAmount, FindingApproval
from cases.models.freezes import (
    FreezeApproval,
    FreezeLine,
    FreezeReceipt,
    FreezeRequest,
    LegalInstrument,
)
from cases.models.referrals import (
    Referral,
    ReferralApproval,
    ReleaseFile,
    SharedRelease,
    ShareGrant,
)
from cases.models.reports import (
    ReportApproval,
    ReportEvent,
    ReportSubject,
    SuspicionReport,
)
from cases.models.suspects import Suspect, SuspectAccount, SuspectName
from cases.models.traces import CaseRun, ReachedAccount
from cases.models.wallets import Wallet

__all__ = [
    "AccountLink",
    "Alert",
    "Asset",
    "AuditEvent",
    "Balance",
    "Case",
    "CaseAccess",
    "CaseBlock",
    "CaseRun",
    "CounterEvidence",
    "DepositAddress",
    "ExchangeAccount",
    "ExchangeRecord",
    "Finding",
    "FindingAmount",
    "FindingApproval",
    "FreezeApproval",
    "FreezeLine",
    "FreezeReceipt",
    "FreezeRequest",
    "LegalInstrument",
    "OutboxMessage",
    "OwnAddress",
    "Price",
    "ReachedAccount",
    "ReadEvent",
    "ReferenceCounter",
    "Referral",
    "ReferralApproval",
    "ReleaseFile",
    "ReportApproval",
    "ReportEvent",
    "ReportSubject",
    "Rule",
    "ShareGrant",
    "SharedRelease",
    "Suspect",
    "SuspectAccount",
    "SuspectName",
    "SuspicionReport",
    "Wallet",
]
