"""What the commands over a ledger share: opening it, the walls, numbers, sums in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from django.conf import settings
from django.core.management.base import CommandError

from tracing.engine.accounts.ledger import AccountLedger
from tracing.engine.ledger import Ledger
from tracing.engine.spec import PathsSpec, TraceSpec
from tracing.errors import AddressError, TracingError
from tracing.ledger_views import parse_address
from tracing.ledgers import names, open_ledger
from tracing.ledgers.accounts import open_account_ledger
from tracing.models import Boundary
from tracing.tag_sets import keep_tag_set

T = TypeVar("T")
Asked = TypeVar("Asked", TraceSpec, PathsSpec)

MOST_SHOWN = 90
LEDGERS = "bitcoin, ethereum, tron ... (the README lists the ledgers)"


def one_sentence(work: Callable[[], T]) -> T:
    """Do the work; an error of tracing becomes one sentence and a non-zero exit."""
    try:
        return work()
    except TracingError as error:
        raise CommandError(str(error)) from None


def canonical_address(text: str) -> str:
    """The canonical form of an address given as an argument; the error repeats what was given."""
    try:
        return parse_address(text).canonical
    except AddressError as error:
        shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
        raise CommandError(f"{shown!r} is no address: {error}") from None


def opened(name: str) -> Ledger:
    """The newest snapshot of a ledger under FIU_HOME."""
    return open_ledger(settings.FIU_HOME, name)


def opened_accounts(name: str) -> AccountLedger | None:
    """The newest snapshot if the name is one of an account ledger, else None."""
    if not names.is_account(names.resolve(settings.FIU_HOME, name)):
        return None
    return open_account_ledger(settings.FIU_HOME, name)


def walls(ledger: Ledger | AccountLedger) -> list[tuple[str, str]]:
    """(address, kind) of the boundaries known for this ledger: 1 query."""
    return list(Boundary.objects.walls(ledger.name).items())


def with_tag_set(asked: Asked) -> Asked:
    """The question with the version of the tags that hold now, as a run's seal names it."""
    return replace(asked, tag_set=keep_tag_set())


def whole_number(option: str, text: str | None, digits: int = 16) -> int | None:
    """A number given as an option; None if it was not given."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > digits:
        raise CommandError(f"{option} takes a whole number, not {text!r}.")
    return int(text)


def coins(amount: str | int) -> str:
    """Satoshi as coins with eight decimals: 1,234.00000001."""
    sat = int(amount)
    return f"{sat // 100_000_000:,}.{sat % 100_000_000:08d}"


def units(amount: str | int, decimals: int | None) -> str:
    """Base units with so many decimals, all of them written; without decimals, as they are."""
    number = int(amount)
    if not decimals:
        return f"{number:,}"
    whole, part = divmod(number, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: int) -> list[str]:
    """Lines of a table; the first `right` columns are flush right."""
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if column < right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
