"""A scratch installation: a generated ledger, one case, accounts at the reference exchange."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from cases.models import Asset, Case, DepositAddress, ExchangeAccount
from cases.policy import Actor, Role
from cases.services.cases import open_case, start_case
from cases.services.freezes import LineSpec, place_hold
from cases.services.traces import queue_trace
from fiu.demo.chain import BlockFiles, Chain, outpoint_of, rule_fee
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import START
from fiu.models import User
from tracing.jobs import TraceParameters
from tracing.reads import RunView

LEDGER = "bitcoin-regtest"
BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0"
POLICIES = ("haircut", "fifo", "lifo", "poison")
PER_BLOCK = 100
FREE = 1_000_000_000  # satoshi on each account
SCRATCH_MARK = "scratch.json"


@dataclass(frozen=True)
class World:
    """The case that all jobs belong to, who works on it, and the coins that traces begin with."""

    case: Case
    analyst: Actor
    supervisor: Actor
    coins: tuple[str, ...]


def make_world(seed: int, *, transactions: int, num_questions: int = 400) -> World:
    """Tables, guards, people, a ledger of that many transactions in a row, and one case.

    The ledger has a question of its own for each of the jobs, if it is long enough for them.

    Cost: 5 s for the tables, 10 s for each 100,000 transactions.
    """
    for command in ("migrate", "createcachetable", "install_guards"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    coins, deposit = _ledger(seed, transactions, ceil(num_questions / len(POLICIES)))
    analyst, supervisor = _person("analyst"), _person("supervisor")
    case = start_case(
        open_case(title="Trial", case_type="darknet", priority="P2", by=analyst), by=analyst
    )
    Asset.objects.create(asset=BTC, symbol="BTC", decimals=8)
    DepositAddress.objects.create(
        ledger=LEDGER,
        address=deposit,
        account=_account("trial-deposit"),
        assigned_from_at=datetime.fromtimestamp(START, UTC),
    )
    return World(case, analyst, supervisor, coins)


def ask_trace(world: World, number: int) -> None:
    """Queue the n-th question, once; no two are the same as long as there are coins."""
    coin = world.coins[number // len(POLICIES) % len(world.coins)]
    parameters = TraceParameters(
        ledger=LEDGER, seeds=(coin,), policy=POLICIES[number % len(POLICIES)]
    )
    asked = world.case.events.filter(action="queue_trace")
    if not asked.filter(data__contains=parameters.params_hash).exists():
        queue_trace(world.case, parameters, by=world.analyst)


def ask_again(world: World, run: RunView) -> None:
    """Ask what this run could not answer."""
    queue_trace(world.case, TraceParameters.from_json(run.parameters), by=world.analyst)


def order_hold(world: World, number: int) -> None:
    """Place the n-th hold, once, on an account of its own: one order to the exchange."""
    account = _account(f"trial-{number}")
    if account.freeze_lines.exists():
        return
    place_hold(
        world.case,
        lines=[LineSpec(account.pk, BTC, amount_of(number))],
        urgency="life_at_risk",
        reason="Trial.",
        by=world.supervisor,
    )


def amount_of(number: int) -> int:
    """Satoshi that the n-th hold asks for; no two are the same."""
    return 1_000_000 + number


def write_balances(path: Path, num_orders: int) -> None:
    """What the reference exchange says its customers have."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["account", "asset", "base", "at"])
        for number in range(num_orders):
            rows.writerow([f"trial-{number}", BTC, FREE, "2025-01-06T00:00:00Z"])


def _person(role: str) -> Actor:
    user = User(username=f"trial-{role}", email=f"{role}@trial.example", role=role)
    user.set_unusable_password()
    user.save()
    return Actor(user.pk, Role(role), None, "127.0.0.1", timezone.now())


def _account(uid: str) -> ExchangeAccount:
    account, _ = ExchangeAccount.objects.get_or_create(
        uid=uid,
        defaults={"customer": uid, "holder_name": uid, "country": "XX", "kyc_level": "full"},
    )
    return account


def _ledger(seed: int, transactions: int, num_coins: int) -> tuple[tuple[str, ...], str]:
    """A coin that pays a little in every transaction, and ends at a customer's address.

    Returns so many coins along the way, from the first half of it, and that address.
    """
    of = Scripts(seed)
    folder: Path = settings.FIU_HOME / "blocks"
    on_the_way = []
    with BlockFiles(folder) as files:
        chain = Chain(files)
        coin = chain.seal(of.of("miner"))
        for number in range(transactions):
            paid = 1_000 + number % 7
            left = coin[1] - paid - rule_fee(1, 2)
            coin, _ = chain.pay(
                [coin], [(left, of.of("peel", number)), (paid, of.of("paid", number % 1_000))]
            )
            if number < transactions // 2:
                on_the_way.append(outpoint_of(coin))
            if number % PER_BLOCK == PER_BLOCK - 1:
                chain.seal(of.of("miner"))
        chain.pay([coin], [(coin[1] - rule_fee(1, 1), of.of("deposit"))])
        chain.seal(of.of("miner"))
    call_command("load_blocks", LEDGER, *map(str, files.paths), verbosity=0, stdout=io.StringIO())
    return tuple(on_the_way[:: max(1, len(on_the_way) // num_coins)]), of.address("deposit")
