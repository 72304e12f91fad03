"""The demo command: what it refuses, what it makes, and that it does nothing twice."""

import json
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from cases.gateways.exchange import exchange_gateway
from fiu.demo.exchange import BTC
from fiu.demo.exchange_at_hand import exchange_at_hand
from fiu.demo.installation import Installed, add_people, set_services
from fiu.management.commands.demo import Command, _end_with_the_first
from fiu.models import Agency, User
from fiu.people import demo_file
from tracing.models import Boundary


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("demo", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    settings.FIU_HOME = tmp_path
    (tmp_path / "demo").mkdir()
    return tmp_path


@pytest.mark.parametrize("text", ["yesterday", "2025-05-26T09:00:00", ""])
def test_a_time_without_zone_is_refused(home: Path, text: str) -> None:
    with pytest.raises(CommandError, match="time with its zone"):
        run("--now", text)


def test_a_moment_before_the_worlds_end_is_refused_before_anything_is_made(home: Path) -> None:
    with pytest.raises(CommandError, match="ends at 2025-05-25T23:50:00Z: give --now a later"):
        run("--now", "2025-05-25T23:49:00Z")
    assert list((home / "demo").iterdir()) == []


def test_a_loaded_world_is_left_as_it_is(home: Path) -> None:
    Installed("demo", 7, "2025-05-26T09:00:00+00:00").write(demo_file())
    assert run() == {"installed": True, "scale": "demo", "seed": 7}


def test_a_second_world_needs_another_home(home: Path) -> None:
    Installed("demo", 7, "2025-05-26T09:00:00+00:00").write(demo_file())
    with pytest.raises(CommandError, match="choose another FIU_HOME"):
        run("--seed", "8")


def test_a_reorganisation_needs_a_world(home: Path) -> None:
    with pytest.raises(CommandError, match="no demo world here yet"):
        run("--reorg")


def test_without_tables_nothing_is_loaded() -> None:
    command = Command()
    command.tables_stand = lambda: True
    command._wait_for_tables()
    command.tables_stand = lambda: False
    with pytest.raises(CommandError, match="tables were not made"):
        command._wait_for_tables()


def test_nothing_stays_behind_when_the_load_is_killed() -> None:
    context = get_context("fork")
    heard, told = context.Pipe(duplex=False)

    def load() -> None:
        with ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_the_first) as second:
            told.send(second.submit(os.getpid).result())
            time.sleep(60)

    first = context.Process(target=load)
    first.start()
    second = heard.recv()
    first.kill()
    first.join()
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.kill(second, 0)
            time.sleep(0.01)
        os.kill(second, signal.SIGKILL)
        pytest.fail("the second process lives on")


@pytest.mark.django_db
def test_the_people_come_once_each_with_a_second_factor() -> None:
    add_people()
    add_people()
    assert User.objects.count() == 8
    assert {user.username for user in User.objects.filter(role="liaison")} == {"ortiz", "chen"}
    assert Agency.objects.get(short_name="FNTF").domain == "fntf.example"
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 8
    assert not any(user.has_usable_password() for user in User.objects.all())


@pytest.mark.django_db
def test_traces_stop_at_the_services_of_the_pack() -> None:
    assert set_services(7) == set_services(7) == 9
    assert set(Boundary.objects.values_list("kind", flat=True)) == {"service"}


def test_casework_finds_an_exchange_to_ask_where_none_is_connected(
    home: Path, settings: Any
) -> None:
    settings.EXCHANGE_URL, settings.EXCHANGE_TOKEN_FILE = "", home / "exchange_token"
    balances = home / "balances.csv"
    balances.write_text(f"account,asset,base,at\nOP-1,{BTC},300000000,2025-05-25T23:50:00Z\n")
    with exchange_at_hand(balances):
        held = exchange_gateway().balances("OP-1")
    assert "300000000" in repr(held)
    assert settings.EXCHANGE_URL == ""
