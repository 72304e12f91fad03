"""Drift: a sealed run asked again only when something changed, and told once."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs.story import FEE, Story, sealed_run, wall
from tracing import drift, jobs
from tracing.models import DriftCheck

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("replay")]


@pytest.fixture
def story(tmp_path: Path, settings: Any) -> Story:
    settings.FIU_HOME = tmp_path
    return Story(tmp_path)


def test_nothing_is_asked_twice_of_the_same_ledger(story: Story) -> None:
    run = sealed_run(story).public_id
    assert jobs.watch_runs([run]) == 1
    assert jobs.watch_runs([run]) == 0
    assert drift.drifts([run]) == {}
    assert jobs.untold_drifts() == []
    story.go_on()
    assert jobs.watch_runs([run]) == 1


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
