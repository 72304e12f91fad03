"""The states of a trace run. The moves between them are the statements of leases.py and jobs.py."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE_STATES = (RunState.QUEUED.value, RunState.RUNNING.value)


class RunError(StrEnum):
    """Why a run failed; the sentence for people stands beside it."""

    CRASHED = "crashed"
    BAD_INPUT = "bad_input"
    LEDGER = "ledger"
    UNREACHABLE = "unreachable"
    REQUESTER = "requester"
    DEFECT = "defect"


class BoundaryKind(StrEnum):
    EXCHANGE_DEPOSIT = "exchange_deposit"
    EXCHANGE_OWN = "exchange_own"
    SERVICE = "service"


class LabelState(StrEnum):
    """A loaded version of a tag pack or list; of one name at most one is active."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
