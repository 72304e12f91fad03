"""Drift: a sealed run asked again only when something changed, and told once."""

from pathlib import Path
from typing import Any

import pytest

from tests.blockmaker import address
from tests.integration.jobs.story import FEE, Story, sealed_run, wall
from tracing import drift, jobs, reads
from tracing.errors import SeedError
from tracing.models import DriftCheck, TagSet

PACK = """
title: Sample pack
creator: Sample desk
source: https://packs.sample.example/x
currency: BTC
network: BTC_regtest
lastmod: {day}
category: exchange
tags:
"""

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("replay")]


@pytest.fixture
def story(tmp_path: Path, settings: Any) -> Story:
    settings.FIU_HOME = tmp_path
    return Story(tmp_path)


def load_pack(path: Path, day: str, labels: dict[str, str]) -> None:
    rows = "".join(f"- address: {each}\n  label: {name}\n" for each, name in labels.items())
    path.write_text(PACK.format(day=day) + rows)
    jobs.load_tags(path)


def test_nothing_is_asked_twice_of_the_same_ledger(story: Story) -> None:
    run = sealed_run(story).public_id
    assert jobs.watch_runs([run]) == 0  # as it was sealed
    assert DriftCheck.objects.get().num_conclusions == 0
    assert drift.drifts([run]) == {}
    assert jobs.untold_drifts() == []
    story.go_on()
    assert jobs.watch_runs([run], pause=3600) == 0  # only blocks came
    assert jobs.watch_runs([run]) == 1
    assert jobs.watch_runs([run]) == 0
    wall(1)
    assert jobs.watch_runs([run], seconds=-1) == 0
    assert jobs.watch_runs([run], pause=3600) == 1


def test_a_coin_that_moved_on_is_counted_and_is_no_conclusion(story: Story) -> None:
    run = sealed_run(story).public_id
    story.go_on()
    jobs.watch_runs([run])
    check = DriftCheck.objects.get()
    assert (check.num_conclusions, check.num_moved) == (0, 2)
    assert drift.drifts([run]) == {}


def test_a_new_wall_on_the_way_is_a_conclusion_told_once(story: Story) -> None:
    story.go_on()
    run = sealed_run(story).public_id
    wall(2)
    jobs.watch_runs([run])
    found = drift.drifts([run])[run]
    assert (found.num_conclusions, found.num_moved) == (1, 1)
    [change] = found.changes
    assert change["before"] is None
    assert change["after"] == {
        "amount": str(4_000_000_000 - FEE),
        "status": "exchange_boundary",
    }
    assert [each.run for each in jobs.untold_drifts()] == [run]
    assert jobs.mark_drift_told(run) is True
    assert jobs.mark_drift_told(run) is False
    story.load()
    jobs.watch_runs([run])
    assert jobs.untold_drifts() == []


def test_conclusions_that_change_again_are_news_again(story: Story) -> None:
    story.go_on()
    run = sealed_run(story).public_id
    wall(2)
    jobs.watch_runs([run])
    jobs.mark_drift_told(run)
    wall(3)
    assert jobs.watch_runs([run]) == 1
    assert [each.run for each in jobs.untold_drifts()] == [run]


def test_a_run_whose_ledger_is_gone_is_left_as_it_was(story: Story, settings: Any) -> None:
    run = sealed_run(story).public_id
    settings.FIU_HOME = story.home / "elsewhere"
    assert jobs.watch_runs([run]) == 0


def test_a_look_that_was_killed_is_due_again_and_blocks_nobody(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sealed_run(story).public_id, sealed_run(story, max_hops=3).public_id
    story.go_on()
    answer = drift.replay

    def killed(run: Any, **wishes: Any) -> Any:
        if run == first:
            raise MemoryError
        return answer(run, **wishes)

    monkeypatch.setattr(drift, "replay", killed)
    with pytest.raises(MemoryError):
        jobs.watch_runs([first, second])
    assert jobs.watch_runs([first, second]) == 1  # the other one; the first has to wait
    monkeypatch.setattr(drift, "UNFINISHED_SECONDS", 0)
    monkeypatch.setattr(drift, "replay", answer)
    assert jobs.watch_runs([first, second]) == 1
    assert set(DriftCheck.objects.values_list("num_moved", flat=True)) == {2}


def test_the_seal_cites_the_tags_and_a_new_owner_of_an_end_is_a_conclusion(
    story: Story, tmp_path: Path
) -> None:
    load_pack(tmp_path / "v1.yaml", "2025-01-01", {address(1): "Ferryswap", address(9): "Lantern"})
    run = sealed_run(story).public_id
    sealed = reads.result(run)
    assert sealed is not None
    kept = TagSet.objects.get()
    assert sealed["seal"]["tag_set"] == kept.sha256
    assert kept.packs == [pack.sha256 for pack in reads.tag_packs()]
    load_pack(tmp_path / "v2.yaml", "2025-02-01", {address(1): "Ferryswap", address(9): "Eastmere"})
    assert jobs.watch_runs([run]) == 1  # asked, for other tags hold
    assert drift.drifts([run]) == {}  # and none of them is on an end
    load_pack(tmp_path / "v3.yaml", "2025-03-01", {address(1): "Eastmere"})
    assert jobs.watch_runs([run]) == 1
    assert drift.drifts([run])[run].changes == (
        {
            "kind": "tag", "key": address(1), "address": address(1),
            "before": {"amount": "1000000000", "status": "", "label": "Ferryswap"},
            "after": {"amount": "1000000000", "status": "", "label": "Eastmere"},
        },
    )  # fmt: skip
    assert [
        (each["key"], each["before"]["amount"], each["after"]["amount"])
        for each in drift.drifts([run])[run].totals
    ] == [("eastmere", "0", "1000000000"), ("ferryswap", "1000000000", "0")]
    assert jobs.repeats(run) is True  # as sealed it cites the tags of then
    assert TagSet.objects.count() == 3


def test_a_seed_that_is_no_more_is_a_conclusion(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sealed_run(story).public_id
    story.go_on()

    def refuse(*_arguments: Any, **_wishes: Any) -> Any:
        raise SeedError("the ledger has no such output")

    monkeypatch.setattr(drift, "replay", refuse)
    assert jobs.watch_runs([run]) == 1
    [change] = drift.drifts([run])[run].changes
    assert (change["kind"], change["key"]) == ("seed", "the ledger has no such output")
