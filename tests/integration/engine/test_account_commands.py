"""`trace` and `find_paths` over what a live node answered: the story that was played on it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.integration.jobs.support import person
from tests.shared_data import data_path
from tracing import jobs, reads, runner
from tracing.engine.seal import is_intact
from tracing.engine.spec import TraceParameters
from tracing.follow import follow
from tracing.jobs import BoundaryRow
from tracing.ledgers.accounts import load_evm
from tracing.models import Boundary

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.xdist_group("account-commands"),
]  # made once a file

TUSD = 10**6


def recordings() -> Path:
    folder = data_path("..") / "nodes" / "recordings" / "anvil"
    if not folder.exists():
        pytest.skip(f"recordings absent: {folder} (they lie beside the shared data)")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("accounts")
    files = [recordings() / f"{name}.json" for name in ("blocks", "receipts", "transfer_logs")]
    load_evm(folder, "ethereum", files)
    return folder


@pytest.fixture(scope="module")
def told(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((recordings() / "truth.json").read_text())
    return found


@pytest.fixture
def who(settings: Settings, home: Path, told: dict[str, Any]) -> dict[str, str]:
    """Owner -> address."""
    settings.FIU_HOME = home
    return {owner: address for address, owner in told["addresses"].items()}


@pytest.fixture
def token(told: dict[str, Any]) -> str:
    return str(told["token"])


def asked(command: str, *arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(command, "ethereum", *arguments, "--json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    assert is_intact(result)
    return result


@pytest.mark.parametrize("policy", ["haircut", "fifo", "lifo"])
def test_the_swaps_payout_is_followed_to_its_ends(
    who: dict[str, str], token: str, policy: str
) -> None:
    result = asked("trace", f"{who['operator_in']}@{token}", "--policy", policy)
    ends = {end["address"]: int(end["amount"]) for end in result["ends"]}
    assert ends == {
        who["exchange_hot"]: 79_000 * TUSD, who["operator_b"]: 1_000 * TUSD,
        who["operator_c"]: 11_500 * TUSD,
    }  # fmt: skip
    assert result["balance_sheet"]["difference"] == "0"
    assert all(end["low"] == end["amount"] == end["high"] for end in result["ends"])
    assert who["vendor0"] not in ends


def test_deposit_addresses_are_walls(who: dict[str, str], token: str) -> None:
    for owner in ("dep_4711", "dep_0815"):
        Boundary.objects.create(
            ledger="ethereum-dev", address=who[owner], kind="exchange_deposit", source="exchange"
        )
    result = asked("trace", f"{who['operator_in']}@{token}")
    reached = [
        (end["address"], end["amount"])
        for end in result["ends"]
        if end["status"] == "exchange_boundary"
    ]
    assert reached == [
        (who["dep_4711"], str(40_000 * TUSD)), (who["dep_4711"], str(29_000 * TUSD)),
        (who["dep_0815"], str(10_000 * TUSD)),
    ]  # fmt: skip


def test_walking_back_reaches_the_issue_and_never_another_customer(
    who: dict[str, str], token: str
) -> None:
    result = asked("trace", f"{who['dep_4711']}@{token}", "--direction", "backward")
    (end,) = result["ends"]
    assert (end["status"], end["amount"]) == ("minted", str(69_000 * TUSD))
    passed = {row[1] for step in result["steps"] for row in (*step["in"], *step["out"])}
    assert passed == {
        who[owner]
        for owner in ("operator_a", "operator_b", "operator_in", "swap", "issuer", "dep_4711")
    } | {"0x" + "0" * 40}


def test_gas_is_an_outflow_of_its_own(who: dict[str, str]) -> None:
    result = asked("trace", who["operator_a"], "--policy", "lifo")
    assert result["asset"]["name"] == "eip155:31337/slip44:60"
    assert int(result["totals"]["fees"]) > 0
    assert int(result["totals"]["seeds"]) == 10**18 // 2
    assert result["balance_sheet"]["difference"] == "0"


def test_a_failed_transfer_is_no_seed(who: dict[str, str], told: dict[str, Any]) -> None:
    (failed,) = [event for event in told["events"] if event["kind"] == "blocked_transfer"]
    with pytest.raises(CommandError, match="failed: it moved nothing"):
        asked("trace", f"{failed['txid']}:0")
    with pytest.raises(CommandError, match=r"It received .*write ADDRESS@TOKEN"):
        asked("trace", who["exchange_hot"])


def test_paths_lead_from_the_swap_to_the_deposit(who: dict[str, str], token: str) -> None:
    result = asked("find_paths", who["swap"], f"{who['dep_4711']}@{token}")
    ways = [(path["addresses"], path["amount"]) for path in result["paths"]]
    assert ways == [
        ([who[o] for o in ("swap", "operator_in", "operator_a", "dep_4711")], str(40_000 * TUSD)),
        ([who[o] for o in ("swap", "operator_in", "operator_b", "dep_4711")], str(29_000 * TUSD)),
    ]
    assert (result["searched_depth"], result["truncated"]) == (8, False)
    short = asked("find_paths", who["swap"], f"{who['dep_4711']}@{token}", "--max-depth", "2")
    assert short["paths"] == []


def test_a_path_does_not_run_back_in_time(who: dict[str, str], token: str) -> None:
    back = asked("find_paths", who["dep_4711"], f"{who['operator_in']}@{token}")
    assert back["paths"] == []


@pytest.mark.usefixtures("who")
def test_the_command_speaks_in_words_too(who: dict[str, str], token: str) -> None:
    out = StringIO()
    call_command("trace", "ethereum", who["operator_a"], stdout=out)
    assert "0.499931779254795168" in out.getvalue()
    assert "accounts whose balance before is not known: 1" in out.getvalue()
    out = StringIO()
    call_command("find_paths", "ethereum", who["swap"], f"{who['dep_4711']}@{token}", stdout=out)
    assert "2 paths; searched to 8 transactions, none is missing" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_queued_run_gives_the_same_bytes_as_the_command(who: dict[str, str], token: str) -> None:
    jobs.set_boundaries(
        "exchange", [BoundaryRow("ethereum-dev", who["dep_4711"], "exchange_deposit")]
    )
    seed = f"{who['operator_in']}@{token}"
    run = jobs.queue(
        uuid4(), person(uuid4().hex).pk, TraceParameters(ledger="ethereum-dev", seeds=(seed,))
    )
    assert runner.run(run.pk, follow) == "done"
    assert reads.verify_result(run.public_id)
    assert reads.result(run.public_id) == asked("trace", seed)
