"""Each rule beside the first eight finds its pattern, and no near miss or ordinary account."""

import pytest

from cases.detection import FLAGS, RULES, SPECS
from tests.detection_stories import STORIES, near, story
from tests.detection_trial import hits, score

pytestmark = pytest.mark.once


@pytest.mark.parametrize("code", sorted(STORIES))
def test_a_rule_fires_on_its_pattern_and_is_silent_on_near_misses(code: str) -> None:
    got = score(code, num_ordinary=20)
    assert (got.found, got.near, got.ordinary) == (20, 0, 0)


@pytest.mark.parametrize("code", sorted(STORIES))
def test_a_rule_says_by_which_values_it_fired(code: str) -> None:
    for hit in hits(code, story(code, 3)):
        assert hit.refs
        assert len(set(hit.refs)) == len(hit.refs)
        assert hit.values
        assert all(value.name and value.found for value in hit.values)
        assert hit.first_at <= hit.last_at


def test_every_flag_that_can_be_computed_in_full_or_part_has_a_rule() -> None:
    asked = {flag.id for flag in FLAGS.values() if flag.computable in ("full", "part")}
    assert asked == {spec.flag for spec in RULES}
    assert all(FLAGS[spec.flag].computable != "no" for spec in RULES)


def test_each_rule_has_a_name_and_a_flag_of_its_own() -> None:
    assert len({spec.flag for spec in RULES}) == len({spec.title for spec in RULES}) == len(SPECS)


def test_rules_without_measured_precision_wait_for_two_people() -> None:
    assert {spec.code for spec in RULES if spec.is_on}.isdisjoint(STORIES)


def test_every_near_miss_is_told_at_least_once() -> None:
    for code, (_tell, misses) in STORIES.items():
        assert len(misses) >= 2
        assert near(code, 0) != story(code, 0)
