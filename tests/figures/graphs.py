"""Random ledgers against every unit's own way: conservation, exactness, restarts, orders.

A world of coins (24 transactions, seeds that mix) is traced by a drawn policy, forward and back, as
a whole and again from one of its own checkpoints; what reaches each coin must be what labelled
units say. Accounts are compared by tests/bench/accounts.py in the same way. Pure Python: about 4 ms
a ledger.
"""

import json
import random
import sys
from typing import Any

from tests.bench.accounts import compare_accounts
from tests.figures.figure import Figure, hand_over, load
from tests.unit.engine.worlds import World, amounts, label_forward, random_world
from tracing.engine.spec import POLICIES
from tracing.engine.trace import trace


def check(seed: int) -> str:
    """One ledger of coins; what is wrong, "" when nothing is."""
    dice = random.Random(seed)
    world = random_world(seed)
    policy, direction = dice.choice(POLICIES), dice.choice(("forward", "backward"))
    states: list[Any] = []
    spec = world.spec(policy, direction=direction)
    whole = trace(spec, world.ledger(), lambda step: states.append(step.checkpoint()), every=1)
    if policy != "poison" and (
        whole.sheet.difference or sum(end.amount for end in whole.ends) != whole.sheet.ends
    ):
        return f"ledger {seed}: {policy} {direction} is not conserved"
    if states:
        state = json.loads(json.dumps(dice.choice(states)))
        if trace(spec, world.ledger(), state=state).json != whole.json:
            return f"ledger {seed}: {policy} {direction} ends otherwise after a restart"
    seeds = list(world.seeds) * 2
    dice.shuffle(seeds)
    if World(world.txs, tuple(seeds)).trace(policy, direction=direction).json != whole.json:
        return f"ledger {seed}: the order of the seeds matters to {policy} {direction}"
    if policy != "poison" and direction == "forward":
        told = label_forward(world, policy)
        if amounts(world, whole) != told.ends or whole.sheet.fees != told.fees:
            return f"ledger {seed}: units go another way by {policy}"
    return ""


def measure(num_graphs: int) -> list[Figure]:
    """Half of the ledgers with coins, half with accounts."""
    busy = load()
    faults = [fault for seed in range(num_graphs // 2) if (fault := check(seed))]
    for fault in faults[:10]:
        print(fault)
    num_faults = len(faults)
    try:
        compare_accounts(num_graphs - num_graphs // 2, seed=num_graphs)
    except AssertionError as error:  # stops at the first
        print(error)
        num_faults += 1
    return [
        Figure(
            "value is conserved, whatever the order, the policy and the restart",
            "0 of 100,000 ledgers",
            f"{num_faults} of {num_graphs:,}",
            is_met=not num_faults,
            by="`python -m tests.figures graphs`",
            load=busy,
        )
    ]


if __name__ == "__main__":
    hand_over(sys.argv[1], measure(int(sys.argv[2])))
