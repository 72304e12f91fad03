"""Chance that is the same on every Python: only `random()` of a seeded generator."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Stream:
    """One independent source of chance, named after the part of the world that draws from it."""

    def __init__(self, seed: int, name: str) -> None:
        self.random = random.Random(f"{seed}:{name}").random  # noqa: S311  # a story, no secret

    def index(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return int(self.random() * count)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self.random() * len(choices))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in a new order (Fisher and Yates)."""
        cards = list(values)
        for last in range(len(cards) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            cards[last], cards[other] = cards[other], cards[last]
        return cards

    def spread(self, total: int, count: int, least: int, quantiles: Sequence[int]) -> list[int]:
        """`count` amounts of at least `least` that add up to exactly `total` (base units).

        Each draws one of the quantiles as its weight; the units that rounding leaves over go to the
        first amounts.
        """
        weights = [quantiles[int(self.random() * len(quantiles))] for _ in range(count)]
        free, whole = total - least * count, sum(weights)
        if free < 0:
            raise ValueError(f"{count} amounts of {least} are more than {total}")
        amounts = [least + free * weight // whole for weight in weights]
        for place in range(total - sum(amounts)):
            amounts[place] += 1
        return amounts

    def moments(self, count: int, first: int, last: int) -> list[int]:
        """`count` whole numbers from first to last, in rising order."""
        span = last - first + 1
        return sorted(first + int(self.random() * span) for _ in range(count))


class Rationed:
    """Says yes exactly `wanted` times in `slots` questions, spread by chance."""

    def __init__(self, stream: Stream, wanted: int, slots: int) -> None:
        self._stream, self._wanted, self._slots = stream, wanted, slots

    def ask(self) -> bool:
        """Draw the next answer."""
        yes = int(self._stream.random() * self._slots) < self._wanted
        self.note(yes)
        return yes

    def note(self, yes: bool) -> None:
        """Count an answer that was given for another reason."""
        self._slots -= 1
        self._wanted -= yes
