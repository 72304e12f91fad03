"""How soon a backlog goes on when Redis is back, with the waits of production.

Redis is killed with all it held; four traces are asked for while it is away; then it is started
again. The time runs from there until a worker has taken the first, and until all are done.
"""

import sys
from time import monotonic, sleep
from typing import Final

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings

from cases.acting import let_process_act_as_system
from fiu.chaos.processes import Processes, redis_program
from fiu.chaos.world import World, ask_trace, make_world, write_balances
from tests.figures.figure import Figure, hand_over, load
from tracing.models import TraceRun

TIMES: Final = 5
BACKLOG: Final = 4
AWAY: Final = 8  # seconds without Redis
TARGET: Final = 10  # seconds
PATIENCE: Final = 240


def until(state: str, world: World, num: int) -> float:
    """Seconds until so many runs of the case have left the queue or are done."""
    begun = monotonic()
    while monotonic() - begun < PATIENCE:
        rows = TraceRun.objects.filter(case=world.case.public_id)
        found = rows.filter(state="done") if state == "done" else rows.exclude(state="queued")
        if found.count() >= num:
            return monotonic() - begun
        sleep(0.05)
    raise SystemExit(f"{num} traces were not {state} within {PATIENCE} s")


def measure() -> list[Figure]:
    if redis_program() is None:
        raise SystemExit("No redis-server was found: install Debian's package redis-server.")
    busy = load()
    let_process_act_as_system()
    world = make_world(7, transactions=400)
    write_balances(settings.FIU_HOME / "balances.csv", 1)
    processes = Processes(own_redis=True)
    assert processes.redis is not None
    first, whole, num = [], [], 1
    try:
        processes.start()
        ask_trace(world, 0)
        until("done", world, 1)
        for _ in range(TIMES):
            processes.redis.kill()
            for number in range(num, num + BACKLOG):
                ask_trace(world, number)
            sleep(AWAY)
            processes.start_the_dead()
            first.append(until("taken", world, num + 1))
            whole.append(first[-1] + until("done", world, num + BACKLOG))
            num += BACKLOG
            print(f"first taken after {first[-1]:.1f} s, all done after {whole[-1]:.1f} s")
    finally:
        processes.end()
    return [
        Figure(
            "a backlog goes on when the broker is back",
            "10 s after Redis is back",
            f"{max(first):.1f} s until the first, {max(whole):.1f} s until all {BACKLOG} were done"
            f" (slowest of {TIMES} times)",
            is_met=max(first) <= TARGET,
            by="`python -m tests.figures broker`",
            load=busy,
        )
    ]


if __name__ == "__main__":
    hand_over(sys.argv[1], measure())
