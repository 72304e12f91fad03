"""A sealed run asked again: identical on its own snapshot and walls, or what differs."""

import json
import zlib
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.integration.jobs.story import FEE, LEDGER, Story, sealed_run, wall
from tests.integration.jobs.support import person
from tracing import jobs, reads, replay
from tracing.engine.spec import TraceParameters
from tracing.errors import LedgerError
from tracing.models import TraceResult, WallSet

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("replay")]


@pytest.fixture
def story(tmp_path: Path, settings: Any) -> Story:
    settings.FIU_HOME = tmp_path
    return Story(tmp_path)


def rerun(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rerun", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_run_comes_out_as_sealed_whatever_came_later(story: Story) -> None:
    wall(1)
    run = sealed_run(story)
    story.go_on()
    wall(2)
    again = rerun(str(run.public_id))
    assert (again["identical"], again["intact"], again["same_code"]) == (True, True, True)
    assert again["changes"] == []
    assert again["again"]["result_sha256"] == again["sealed"]["result_sha256"]
    assert jobs.repeats(run.public_id) is True
    assert WallSet.objects.count() == 1


def test_asked_of_now_it_says_which_ends_and_edges_are_others(story: Story) -> None:
    run = sealed_run(story)
    story.go_on()
    again = rerun(str(run.public_id), "--now")
    assert not again["identical"]
    kinds = {(each["kind"], each["key"].split()[0]) for each in again["changes"]}
    later = f"{story.chain.blocks[-1].txs[1].txid}"
    assert ("end", f"{story.first.txid}:1") in kinds
    assert ("end", f"{later}:0") in kinds
    assert ("edge", later) in kinds
    [gone] = [e for e in again["changes"] if e["key"].startswith(f"{story.first.txid}:1 ")]
    assert gone["before"]["amount"] == str(4_000_000_000 - FEE)
    assert gone["after"] is None
    out = StringIO()
    call_command("rerun", str(run.public_id), "--now", stdout=out)
    assert f"{4_000_000_000 - FEE}" in out.getvalue()
    assert "-> nothing" in out.getvalue()


def test_a_new_wall_changes_nothing_of_the_sealed_answer_but_that_of_now(story: Story) -> None:
    story.go_on()
    run = sealed_run(story)
    wall(2)
    assert rerun(str(run.public_id))["identical"]
    statuses = {
        (each["after"] or {}).get("status")
        for each in rerun(str(run.public_id), "--now")["changes"]
        if each["kind"] == "end"
    }
    assert "exchange_boundary" in statuses


def test_the_hash_of_a_result_names_its_run(story: Story) -> None:
    run = sealed_run(story)
    sha256 = reads.run_view(run.public_id).result_sha256
    assert rerun(sha256[:12])["run"] == str(run.public_id)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("abc", "at least 8"),
        ("0" * 12, "no run is called"),
        ("0b5d8e0e-5a0c-4f0e-9d0a-3f6d3c3b1a11", "no run is called"),
    ],
)
def test_a_run_that_is_not_there_is_one_sentence(story: Story, name: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        rerun(name)


def test_a_run_that_is_not_done_has_nothing_to_repeat(story: Story) -> None:
    parameters = TraceParameters(ledger=LEDGER, seeds=(story.seed,))
    run = jobs.queue(uuid4(), person("waits").pk, parameters)
    with pytest.raises(CommandError, match="not done"):
        rerun(str(run.public_id))


def test_a_changed_result_is_found_out(story: Story) -> None:
    run = sealed_run(story)
    row = TraceResult.objects.get(run=run)
    content = json.loads(zlib.decompress(bytes(row.result)))
    content["ends"][0]["amount"] = "1"
    row.result = zlib.compress(json.dumps(content).encode())
    row.save()
    with pytest.raises(CommandError, match="changed after its sealing"):
        rerun(str(run.public_id))
    assert jobs.repeats(run.public_id) is False


def test_another_engine_may_give_the_same_answer(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sealed_run(story)
    monkeypatch.setattr(replay, "code_hash", lambda: "0" * 64)
    again = rerun(str(run.public_id))
    assert (again["identical"], again["same_code"]) == (True, False)
    assert jobs.repeats(run.public_id) is None


def test_a_run_whose_ledger_is_gone_is_no_run_that_cannot_be_compared(
    story: Story, settings: Any
) -> None:
    """The drill of a restore must not pass over it."""
    run = sealed_run(story)
    settings.FIU_HOME = story.home / "elsewhere"
    with pytest.raises(LedgerError):
        jobs.repeats(run.public_id)


def test_walls_that_were_not_kept_are_said(story: Story) -> None:
    wall(1)
    run = sealed_run(story)
    WallSet.objects.all().delete()
    with pytest.raises(CommandError, match="were not kept"):
        rerun(str(run.public_id))
    assert jobs.repeats(run.public_id) is None
    assert rerun(str(run.public_id), "--now")["identical"]
