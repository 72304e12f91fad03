"""Times as they leave the house and as hashes are made of them."""

from datetime import UTC, datetime
from typing import overload


@overload
def iso(at: datetime) -> str: ...


@overload
def iso(at: datetime | None) -> str | None: ...


def iso(at: datetime | None) -> str | None:
    """UTC with milliseconds and a Z; None stays None."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
