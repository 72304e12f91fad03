"""Every machine with its walk; apart from the package, whose command starts without Django."""

from tests.machines.case import CaseWalk
from tests.machines.delivery import DeliveryWalk
from tests.machines.finding import FindingWalk
from tests.machines.freeze import FreezeWalk
from tests.machines.officer import AgencyWalk, OfficerWalk
from tests.machines.offices import ReportWalk
from tests.machines.outbound import OutboundWalk
from tests.machines.preservation import PreservationWalk
from tests.machines.proposals import ClockWalk, PolicyWalk, RuleWalk
from tests.machines.referral import ReferralWalk
from tests.machines.request import RequestWalk
from tests.machines.seizure import SeizureWalk
from tests.machines.small import AlertWalk, EvidenceWalk, IdentityWalk, OperationWalk, TagWalk
from tests.machines.walk import Walk

# Each with the number of walks that come everywhere.
MACHINES: dict[str, tuple[type[Walk], int]] = {
    "agency": (AgencyWalk, 3),
    "alert": (AlertWalk, 2),
    "case": (CaseWalk, 5),
    "clock": (ClockWalk, 2),
    "delivery": (DeliveryWalk, 4),
    "evidence": (EvidenceWalk, 4),
    "finding": (FindingWalk, 3),
    "freeze": (FreezeWalk, 7),
    "identity": (IdentityWalk, 2),
    "officer": (OfficerWalk, 4),
    "operation": (OperationWalk, 2),
    "outbound": (OutboundWalk, 4),
    "policy": (PolicyWalk, 2),
    "preservation": (PreservationWalk, 4),
    "referral": (ReferralWalk, 3),
    "report": (ReportWalk, 2),
    "request": (RequestWalk, 4),
    "rule": (RuleWalk, 3),
    "seizure": (SeizureWalk, 3),
    "tag": (TagWalk, 2),
}
