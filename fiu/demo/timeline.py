"""When things happen: a block every 600 s from 2025-01-06T00:00Z, a week every 1,008 blocks."""

import time
from collections import defaultdict
from collections.abc import Callable

START = 1_736_121_600  # 2025-01-06T00:00:00Z, a Monday
SPACING = 600
WEEK = 1_008
DAY = 144
TIP = 20_159


def block_time(height: int) -> int:
    """Seconds since 1970 of a block above genesis."""
    return START + SPACING * height


def iso(moment: int) -> str:
    """`2025-05-26T09:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def moment(day: int, hour: int, minute: int = 0) -> int:
    """Seconds since 1970 of a time on the n-th day of the story (day 0 = 2025-01-06)."""
    return START + day * 86_400 + hour * 3_600 + minute * 60


class Plan:
    """What happens in which block; within a block, what was planned first happens first."""

    def __init__(self) -> None:
        self._actions: defaultdict[int, list[Callable[[], object]]] = defaultdict(list)

    def at(self, height: int, action: Callable[[], object]) -> None:
        """Let something happen in a block."""
        self._actions[height].append(action)

    def take(self, height: int) -> list[Callable[[], object]]:
        """The actions of a block, forgotten afterwards: memory stays with what is still to come."""
        return self._actions.pop(height, [])
