"""The books read from their end: the same units, found from the other side, and kept sealed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings

from tests.unit.engine.test_books import Written, whole, worlds
from tracing.engine.booklines import OUTSIDE, BookTrace, Line, Seed
from tracing.engine.booksback import held_ref, trace_back
from tracing.engine.bookseal import (
    BookQuestion,
    answer,
    book_differences,
    sealed_answer,
    trace_of,
)
from tracing.engine.seal import is_intact
from tracing.errors import ParametersError


def sources(found: BookTrace) -> dict[str, tuple[int, int, int]]:
    """Low, amount and high by the deposit that they came in by."""
    assert {sheet.difference for sheet in found.sheets.values()} <= {0}
    return {
        hop.line.ref: (hop.low, hop.amount, hop.high)
        for hop in found.hops
        if hop.status == "came_in"
    }


@pytest.mark.parametrize(
    ("policy", "first", "second"), [("haircut", 30, 20), ("fifo", 50, 0), ("lifo", 10, 40)]
)
def test_each_policy_leads_back_to_its_own_deposits(policy: str, first: int, second: int) -> None:
    """60 come in, then 40; half of all is withdrawn."""
    books = Written(held={"A": {"BTC": 50}})
    one, other = books.deposit("A", "BTC", 60), books.deposit("A", "BTC", 40)
    ref = books.write("withdrawal", "A", "BTC", 50)
    found = trace_back([whole(ref, 50)], "A", books, policy)
    # 40 at most are of the second, so 10 are of the first for certain.
    assert sources(found) == {one: (10, first, 50), other: (0, second, 40)}
    books.held = {}  # nobody says what is there: more may have been
    assert sources(trace_back([whole(ref, 50)], "A", books, policy))[one] == (0, first, 50)


def test_what_is_held_leads_back_over_conversions_and_accounts() -> None:
    books = Written(held={"A": {"BTC": 600, "USDT": 29_999}, "B": {"USDT": 6_025}})
    ref = books.deposit("A", "BTC", 1_000)
    books.write("conversion", "A", "BTC", 400, "A", "USDT", 39_999)
    books.write("internal_transfer", "A", "USDT", 10_000, "B", fee=25)
    books.write("withdrawal", "B", "USDT", 3_950)
    seed = Seed(held_ref("B", "USDT"), 6_025, 6_025, 6_025)
    for policy in ("haircut", "fifo", "lifo"):
        found = trace_back([seed], "B", books, policy)
        assert [hop.line.kind for hop in found.hops] == [
            "held", "internal_transfer", "conversion", "deposit",
        ]  # fmt: skip
        assert sources(found)[ref][1] == 60  # 6,025 of 39,999 for 400
        assert (found.held, found.unmet) == ((), ())
        assert found.sheets["BTC"].left == sources(found)[ref][1]


def test_what_was_there_before_the_records_is_told_as_such() -> None:
    books = Written(held={"A": {"BTC": 0}})
    books.deposit("A", "BTC", 40)
    ref = books.write("withdrawal", "A", "BTC", 100)
    [before] = trace_back([whole(ref, 100)], "A", books, "fifo").held
    assert (before.amount, before.low, before.high) == (60, 60, 60)


def test_a_fee_is_nobodys_and_a_missing_line_is_said() -> None:
    books = Written()
    ref = books.deposit("A", "BTC", 100)
    out = books.write("withdrawal", "A", "BTC", 100, fee=10)
    assert sources(trace_back([whole(out, 100)], "A", books, "fifo")) == {ref: (90, 90, 90)}
    assert trace_back([whole("R9", 5)], "A", books, "fifo").unmet == ("R9",)


@pytest.mark.parametrize(("policy", "first", "second"), [("fifo", 1, 0), ("lifo", 0, 1)])
def test_a_transfer_to_oneself_gives_its_fee_back_beneath_it(
    policy: str, first: int, second: int
) -> None:
    """Undone, the line takes out what it brought before its fee is there again."""
    books = Written(held={"A": {"BTC": 0}})
    one, other = books.deposit("A", "BTC", 1), books.deposit("A", "BTC", 1)
    books.write("internal_transfer", "A", "BTC", 2, "A", "BTC", 1, fee=1)
    ref = books.write("withdrawal", "A", "BTC", 1)
    found = sources(trace_back([whole(ref, 1)], "A", books, policy))
    assert {ref: amount for ref, (_, amount, _) in found.items() if amount} == {
        each: 1 for each, units in ((one, first), (other, second)) if units
    }


@settings(max_examples=60)
@given(worlds())
def test_forward_and_back_tell_of_the_same_units(world: tuple[Written, list[Seed]]) -> None:
    """Units by number through queues and stacks: of each withdrawal who brought how many."""
    books, _ = world
    # Rounding of conversions is told elsewhere: here each unit changes into one.
    rows = [
        replace(line, to_units=line.units - line.fee) if line.kind == "conversion" else line
        for line in books.rows
    ]
    same = Written(rows=[])
    holds: Counter[tuple[str, str]] = Counter()
    for line in rows:
        if line.account and holds[line.account, line.asset] < line.units:
            continue
        same.rows.append(line)
        if line.account:
            holds[line.account, line.asset] -= line.units
        if line.to_account:
            holds[line.to_account, line.to_asset] += line.to_units
    same.held = {account: {asset: holds[account, asset] for asset in "XY"} for account in "ABC"}
    for policy in ("fifo", "lifo"):
        for out, brought in _by_unit(same.rows, policy).items():
            units = sum(brought.values())
            found = trace_back([whole(out, units)], "ABC", same, policy)
            told = {ref: amount for ref, (_, amount, _) in sources(found).items() if amount}
            assert told == dict(brought)
            assert found.held == ()
    for out in (line.ref for line in same.rows if not line.to_account):
        found = trace_back([whole(out, 10**6)], "ABC", same, "haircut")
        for low, amount, high in sources(found).values():
            assert 0 <= low <= amount <= high


def _by_unit(rows: list[Line], policy: str) -> dict[str, Counter[str]]:
    """Of each withdrawal, how many units which deposit brought: one by one, in lists."""
    lists: dict[tuple[str, str], list[str]] = {}
    found: dict[str, Counter[str]] = {}
    for line in rows:
        if line.account == OUTSIDE:
            moved = [line.ref] * line.units
        else:
            own = lists[line.account, line.asset]
            at = len(own) - line.units
            moved = own[: line.units] if policy == "fifo" else own[at:]
            del own[slice(0, line.units) if policy == "fifo" else slice(at, None)]
        net = line.units - line.fee
        moved = moved[:net] if policy == "fifo" else moved[line.fee :]
        if line.to_account:
            lists.setdefault((line.to_account, line.to_asset), []).extend(moved)
        elif moved:
            found[line.ref] = Counter(moved)
    return found


# Sealed


def asked(*seeds: Seed, direction: str = "forward") -> BookQuestion:
    return BookQuestion(direction, "fifo", ("A",), seeds, 9)


def test_a_sealed_answer_comes_out_the_same_and_reads_back() -> None:
    books = Written()
    ref = books.deposit("A", "BTC", 100)
    books.write("internal_transfer", "A", "BTC", 30, "B")
    question = asked(Seed(ref, 50, 40, 60, ((50, True), (50, False))))
    assert BookQuestion.from_json(question.to_json()) == question
    first, again = sealed_answer(question, books), sealed_answer(question, books)
    assert first == again
    assert is_intact(first)
    assert book_differences(first, again) == []
    assert trace_of(first) == answer(question, books)
    # The first 50 units are the followed ones: FIFO takes them along.
    assert [hop["to_amount"] for hop in first["hops"]] == ["50", "30"]
    first["hops"][0]["amount"] = "51"
    assert not is_intact(first)
    with pytest.raises(ParametersError, match="no direction"):
        answer(asked(direction="sideways"), books)


def test_what_changed_in_the_books_is_named() -> None:
    books = Written(held={"A": {"BTC": 70}}, busy=frozenset("C"))
    ref = books.deposit("A", "BTC", 100)
    moved = books.write("internal_transfer", "A", "BTC", 30, "B")
    question = asked(whole(ref, 100))
    before = sealed_answer(question, books)
    books.rows[1] = replace(books.rows[1], units=20, to_units=20)
    books.held["A"]["BTC"] = 80
    books.wishes.append((books.rows.pop(), "pending"))
    late = books.write("internal_transfer", "A", "BTC", 5, "C")
    changed = {(each.kind, each.key): each for each in book_differences(
        before, sealed_answer(question, books)
    )}  # fmt: skip
    assert {key for key in changed if key[0] in ("record", "holding", "closed")} == {
        ("record", moved), ("record", f"{moved} (pending)"),
        ("holding", "A BTC"), ("closed", "C"),
    } | ({("record", late)} if late != moved else set())  # fmt: skip
    assert ("held", "B BTC") in changed
    assert changed["sheet", "BTC"].before["held"] == "100"
