"""State machines: what people may do with an object, in any order, beside a plain model of it."""

from tests.machines.finding import FindingWalk
from tests.machines.freeze import FreezeWalk
from tests.machines.referral import ReferralWalk
from tests.machines.request import RequestWalk
from tests.machines.walk import Walk

# Each with the number of walks that come everywhere.
MACHINES: dict[str, tuple[type[Walk], int]] = {
    "finding": (FindingWalk, 3),
    "freeze": (FreezeWalk, 7),
    "referral": (ReferralWalk, 3),
    "request": (RequestWalk, 4),
}
