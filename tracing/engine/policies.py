"""How each policy splits the taint of one transaction over its parts.

All policies see a transaction as one axis of length `total` (the sum of its inputs). The taint
lies on it as a number (haircut) or as a tape of intervals (FIFO, LIFO); each part takes a window.
Forward, the parts are the outputs and the taint lies on the inputs; backward it is the other way
round. The same code serves both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Piece: TypeAlias = tuple[int, int, int]
"""(start, length, seed): `length` units of one seed from position `start` of a coin."""
Tape: TypeAlias = list[Piece]
"""Pieces in order of their start, never overlapping."""


def haircut_shares(taint: int, values: Sequence[int], total: int) -> list[int]:
    """Split taint in proportion to value by cumulative floor, so that no unit is lost or made.

    x(v) = floor(T*(V+v)/I) - floor(T*V/I), never more than v as T <= I. The rest is the fee's.

    Cost: O(parts); products of 128 bits, hence Python integers.
    """
    shares = []
    before = position = 0
    for value in values:
        position += value
        after = taint * position // total if total else 0
        shares.append(after - before)
        before = after
    return shares


def windows(values: Sequence[int], total: int, *, from_the_end: bool) -> list[tuple[int, int]]:
    """The (start, length) each output takes on the axis: in order from the front, or from the end.

    FIFO: output k takes [V, V+v). LIFO: it takes [I-V-v, I-V). The rest of the axis is the fee.
    """
    taken = []
    position = 0
    for value in values:
        start = total - position - value if from_the_end else position
        taken.append((start, value))
        position += value
    return taken


def lay(coins: Iterable[tuple[int, Tape]]) -> Tape:
    """One tape from coins, each given with its start on the axis, in ascending order of start.

    Coins worth nothing leave no piece: two may start at one place, in either order.
    """
    tape: Tape = []
    for offset, pieces in coins:
        for start, length, seed in pieces:
            if length:
                tape.append((offset + start, length, seed))
    return tape


def cut(tape: Tape, parts: Sequence[tuple[int, int]]) -> list[Tape]:
    """The pieces of each window in forward order, starts counted from the window's own.

    Neighbouring pieces of one seed are joined: only amounts matter, and tapes stay short.

    Cost: O((pieces + windows) log windows) for windows that do not overlap.
    """
    found: list[Tape] = [[] for _ in parts]
    order = sorted((start, length, k) for k, (start, length) in enumerate(parts) if length)
    first = 0
    for start, length, k in order:
        end = start + length
        while first < len(tape) and tape[first][0] + tape[first][1] <= start:
            first += 1
        mine = found[k]
        at = first
        while at < len(tape) and tape[at][0] < end:
            piece_start, piece_length, seed = tape[at]
            low = max(piece_start, start)
            high = min(piece_start + piece_length, end)
            if mine and mine[-1][2] == seed and mine[-1][0] + mine[-1][1] == low - start:
                mine[-1] = (mine[-1][0], mine[-1][1] + high - low, seed)
            else:
                mine.append((low - start, high - low, seed))
            at += 1
    return found


def weight(tape: Tape) -> int:
    """Units on a tape."""
    return sum(length for _, length, _ in tape)
