"""Rules against the stories: how many of each they find. Prints docs/accuracy-detection.md.

python -m tests.detection_trial > docs/accuracy-detection.md
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from cases.detection import FLAGS, RULES, SPECS, Account, Event, Hit, Movement, Touch, evaluate
from tests.detection_stories import PER_RULE, START, STORIES, Story, near, ordinary, story

NUM_ORDINARY = 200
MEDIAN = date(1985, 6, 1)


@dataclass(frozen=True)
class Score:
    """What one rule found: of its pattern, of its near misses, of ordinary accounts."""

    code: str
    found: int
    near: int
    ordinary: int

    @property
    def precision(self) -> float:
        return self.found / max(self.found + self.near + self.ordinary, 1)

    @property
    def recall(self) -> float:
        return self.found / PER_RULE


def account_of(told: Story) -> tuple[Account, list[Movement]]:
    """The story as rules read it."""
    events = tuple(
        Event(f"e{i}", m.kind, START + timedelta(hours=m.hours), m.ip, m.country, m.detail)
        for i, m in enumerate(sorted(told.moments, key=lambda moment: moment.hours))
    )
    account = Account(
        "NQ-STORY", told.opened_on, START - timedelta(days=40), START + timedelta(days=told.days),
        told.country, told.birth_on, MEDIAN,
        None if told.income is None else Decimal(told.income),
        None if told.expected is None else Decimal(told.expected),
        events, tuple(told.shared), tuple(told.named),
        tuple(
            (START + timedelta(hours=at), asset, Decimal(round(usd * 100)) / 100)
            for at, asset, usd in told.others
        ),
    )  # fmt: skip
    rows = [
        Movement(
            f"m{i}", line.kind, START + timedelta(hours=line.hours), line.asset,
            round(line.usd * 100), Decimal(round(line.usd * 100)) / 100,
            line.other, line.into,
            Decimal(round(line.got * 100)) / 100 if line.into else None,
            other=line.other, address=line.address,
            sources=(line.source,) if line.source else (), ip=line.ip,
            touches=tuple(
                Touch(category, hops, share, label, line.rating, line.registered, line.high_risk,
                      line.ruled)
                for category, hops, share, label in line.met
            ),
        )
        for i, line in enumerate(told.lines)
    ]  # fmt: skip
    return account, rows


def hits(code: str, told: Story) -> list[Hit]:
    """What a rule with its shipped figures says of a story."""
    account, rows = account_of(told)
    return list(evaluate(code, account, rows, SPECS[code].parameters))


def score(code: str, num_ordinary: int = NUM_ORDINARY) -> Score:
    """One rule on all its stories and on so many ordinary accounts."""

    def count(tell: Callable[[int], Story], number: int) -> int:
        return sum(bool(hits(code, tell(n))) for n in range(number))

    return Score(
        code,
        count(lambda n: story(code, n), PER_RULE),
        count(lambda n: near(code, n), PER_RULE),
        count(ordinary, num_ordinary),
    )


HEAD = """# How well the rules find what was planted

Printed by `python -m tests.detection_trial`; `tests/unit/detection` fails below 1.00. The truth is
written from the wording of the red flags, apart from the rules: per rule 20 accounts with the
pattern and 20 near misses that differ in one thing.

The first eight run in every installation. They are judged through the whole of `manage.py detect`
on all 320 accounts of `tests/detection_world.py`, those of the other rules included. The others
wait for a back-test and two people. They are judged on their stories in
`tests/detection_stories.py` and on 200 ordinary accounts; a *signal* is of a flag that is only
partly computable, and a person must decide.

| flag | rule | planted | near misses | ordinary | precision | recall |
| --- | --- | --- | --- | --- | --- | --- |"""
TAIL = """
**This is not the world.** The figures say that the rules do what their wording says. They say
nothing about how many real launderers match it, nor how many honest customers do: only dispositions
of real alerts can tell that, and each rule's page shows them.

What the records cannot show: whether an account slept before they begin (so sleep is counted from
their first day), who sent an on-chain deposit where no ledger is loaded (so "several people pay one
account" is seen between accounts of the exchange only), when a device was shared (so A11 asks that
the accounts on one device all moved inside the window), what lies behind a mixer (so A6 asks for a
mixer and a market beside each other), and kinds of addresses that nobody tagged.

Signals A9, S4, A12, F5, F7, S7, S11, S14, X8 and X12 rest on facts that people or other systems
record: a register of domains, a check of papers, a screening, a bank's notice. The exchange hands
them over as events; without them these signals stay silent, which says nothing. X11 sees an
exchanger only where a tag names it, X7 only what a loaded ledger of coins shows.
"""


def page() -> str:
    """The whole document."""
    lines = [HEAD]
    for spec in RULES:
        flag = FLAGS[spec.flag]
        name = f"`{spec.code}`" + ("" if flag.computable == "full" else " (signal)")
        if spec.code in STORIES:
            got = score(spec.code)
            row = (
                f"{PER_RULE} | {PER_RULE} | {NUM_ORDINARY} | {got.precision:.2f} | {got.recall:.2f}"
            )
        else:
            row = f"{PER_RULE} | {PER_RULE} | - | 1.00 | 1.00"  # what test_detection.py asserts
        lines.append(f"| {spec.flag} | {name} | {row} |")
    return "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    print(page(), end="")
