"""Answers out of the exchange's books under a seal: what was read, how it was followed, what came.

The books go on, so a seal pins each line that was read by a digest of its own: asked again, the
answer is identical, or the lines that were changed, came late or are gone are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tracing.engine.booklines import AssetSheet, Books, BookTrace, Held, Hop, Line, Seed
from tracing.engine.books import MOST_ACCOUNTS, follow_books
from tracing.engine.booksback import trace_back
from tracing.engine.difference import Change, numbered, of_rows
from tracing.engine.seal import ENGINE_VERSION, code_hash, result_sha256
from tracing.engine.spec import Json, canonical_sha256
from tracing.errors import ParametersError

DIRECTIONS: Final = ("forward", "backward")
DIGEST: Final = 16
"""Letters kept of a line's SHA-256: 64 bits tell a changed line from an unchanged one."""
SHEET: Final = ("seeds", "converted_in", "held", "left", "converted_out", "fees")


@dataclass(frozen=True)
class BookQuestion:
    """What was asked of the books; with the books of then it has one answer.

    Args:
        until: the number of the last record that was there, what the reader of the books pins.
    """

    direction: str
    policy: str
    accounts: tuple[str, ...]
    seeds: tuple[Seed, ...]
    until: int
    most_accounts: int = MOST_ACCOUNTS

    def to_json(self) -> Json:
        """The question as plain values; amounts are texts."""
        return {
            "direction": self.direction,
            "policy": self.policy,
            "accounts": list(self.accounts),
            "seeds": [
                {
                    "ref": seed.ref, "units": str(seed.units), "low": str(seed.low),
                    "high": str(seed.high),
                    "lots": [[str(units), followed] for units, followed in seed.lots],
                }
                for seed in self.seeds
            ],
            "until": str(self.until),
            "most_accounts": self.most_accounts,
        }  # fmt: skip

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> BookQuestion:
        """Read what `to_json` wrote."""
        return cls(
            direction=told["direction"], policy=told["policy"], accounts=tuple(told["accounts"]),
            seeds=tuple(
                Seed(
                    each["ref"], int(each["units"]), int(each["low"]), int(each["high"]),
                    tuple((int(units), bool(followed)) for units, followed in each["lots"]),
                )
                for each in told["seeds"]
            ),
            until=int(told["until"]), most_accounts=told["most_accounts"],
        )  # fmt: skip


@dataclass
class ReadBooks:
    """Books that keep a digest of all that is read in them."""

    books: Books
    digests: dict[str, str] = field(default_factory=dict)
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    def lines(self, account: str) -> Sequence[Line] | None:
        """As the books have it."""
        found = self.books.lines(account)
        if found is None:
            self.closed.add(account)
            return None
        self.keep("", found)
        return found

    def holdings(self, account: str) -> Mapping[str, int]:
        """As the books have it."""
        found = self.books.holdings(account)
        self.held[account] = {asset: str(units) for asset, units in sorted(found.items())}
        return found

    def asked(self, account: str) -> Sequence[tuple[Line, str]]:
        """As the books have it."""
        found = self.books.asked(account)
        for line, state in found:
            self.keep(f" ({state})", [line])
        return found

    def keep(self, mark: str, lines: Iterable[Line]) -> None:
        """Remember lines; of one record its fee in another asset is told apart by its kind."""
        for line in lines:
            name = f"{line.ref}{' fee' if line.kind == 'fee' else ''}{mark}"
            self.digests[name] = canonical_sha256(_line_json(line))[:DIGEST]

    def to_json(self) -> Json:
        """What was read, by record."""
        return {
            "lines": dict(sorted(self.digests.items())),
            "holdings": dict(sorted(self.held.items())),
            "closed": sorted(self.closed),
        }


def answer(question: BookQuestion, books: Books) -> BookTrace:
    """Ask the books. Raises ParametersError, BalanceError; costs as `follow_books`."""
    if question.direction not in DIRECTIONS:
        raise ParametersError(f"There is no direction {question.direction!r}.")
    ask = trace_back if question.direction == "backward" else follow_books
    return ask(question.seeds, question.accounts, books, question.policy, question.most_accounts)


def sealed_answer(question: BookQuestion, books: Books) -> Json:
    """The answer with its seal in front; `seal.is_intact` and `seal.result_sha256` hold for it.

    `books_sha256` covers everything that was read. Raises and costs as `answer`.
    """
    read = ReadBooks(books)
    trace = answer(question, read)
    told = read.to_json()
    seal: Json = {
        "engine_version": ENGINE_VERSION,
        "code_hash": code_hash(),
        "parameters": question.to_json(),
        "books_sha256": canonical_sha256(told),
        "num_lines": trace.num_lines,
        "num_accounts": trace.num_accounts,
    }
    result: Json = {
        "seal": seal,
        "books": told,
        **trace.to_json(),
        "sheets": {
            asset: {
                **{part: str(getattr(sheet, part)) for part in SHEET},
                "cut": {reason: str(units) for reason, units in sorted(sheet.cut.items())},
                "difference": None if sheet.difference is None else str(sheet.difference),
            }
            for asset, sheet in trace.sheets.items()
        },
    }
    sealed: Json = {**result, "seal": {**seal, "result_sha256": result_sha256(result)}}
    return sealed


def trace_of(result: Mapping[str, Any]) -> BookTrace:
    """The answer of a sealed result, as the walk gave it."""
    seal = result["seal"]
    return BookTrace(
        policy=result["policy"],
        hops=tuple(_hop_of(each) for each in result["hops"]),
        held=tuple(
            Held(
                each["account"], each["asset"], int(each["amount"]), int(each["value"]),
                int(each["low"]), int(each["high"]), each["hops"],
            )
            for each in result["held"]
        ),
        asked=tuple(_hop_of(each) for each in result["asked"]),
        sheets={
            asset: AssetSheet(
                **{part: int(told[part]) for part in SHEET},
                cut={reason: int(units) for reason, units in told["cut"].items()},
                conserved=told["difference"] is not None,
            )
            for asset, told in result["sheets"].items()
        },
        unmet=tuple(result["unmet"]),
        num_accounts=seal["num_accounts"],
        num_lines=seal["num_lines"],
        direction=result["direction"],
    )  # fmt: skip


def book_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What stands otherwise in the second of two sealed answers: the books first, then the answer.

    Engine version and code hash are no part of an answer. Cost: O(lines read).
    """
    return [
        *of_rows("record", before["books"]["lines"], after["books"]["lines"]),
        *of_rows("holding", _holdings(before), _holdings(after)),
        *of_rows("closed", _names(before["books"]["closed"]), _names(after["books"]["closed"])),
        *of_rows("hop", numbered(before["hops"], _hop), numbered(after["hops"], _hop)),
        *of_rows("asked", numbered(before["asked"], _hop), numbered(after["asked"], _hop)),
        *of_rows("held", numbered(before["held"], _held), numbered(after["held"], _held)),
        *of_rows("sheet", before["sheets"], after["sheets"]),
        *of_rows("unmet", _names(before["unmet"]), _names(after["unmet"])),
    ]


def _line_json(line: Line) -> Json:
    return {
        "place": [str(number) for number in line.place], "ref": line.ref, "kind": line.kind,
        "account": line.account, "asset": line.asset, "units": str(line.units),
        "to_account": line.to_account, "to_asset": line.to_asset, "to_units": str(line.to_units),
        "fee": str(line.fee),
    }  # fmt: skip


def _hop_of(told: Mapping[str, Any]) -> Hop:
    line = Line(
        (int(told["place"][0]), int(told["place"][1])), told["ref"], told["kind"],
        told["account"], told["asset"], int(told["units"]), told["to_account"], told["to_asset"],
        int(told["to_units"]), int(told["line_fee"]),
    )  # fmt: skip
    return Hop(
        line, int(told["amount"]), int(told["low"]), int(told["high"]), int(told["to_amount"]),
        int(told["to_low"]), int(told["to_high"]), int(told["fee"]), told["hops"], told["status"],
    )  # fmt: skip


def _holdings(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{account} {asset}": units
        for account, held in result["books"]["holdings"].items()
        for asset, units in held.items()
    }


def _names(names: Iterable[str]) -> dict[str, Any]:
    return dict.fromkeys(names, "there")


def _hop(row: Mapping[str, Any]) -> str:
    return f"{row['ref']} {row['kind']}"


def _held(row: Mapping[str, Any]) -> str:
    return f"{row['account']} {row['asset']}"
