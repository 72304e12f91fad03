"""Names across spellings and scripts: four of one persona are one, two near ones only proposed."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.name_matching import LEAST, compare_names, sound_key

pytestmark = pytest.mark.once
PERSONA = ("Pharos", "Faros", "pharos_", "法羅斯", "Фарос", "ファロス")


@pytest.mark.parametrize("pair", list(combinations(PERSONA, 2)), ids=str)
def test_the_spellings_of_one_persona_match_in_every_script(pair: tuple[str, str]) -> None:
    found = compare_names(*pair)
    assert found is not None
    assert found.score >= 85
    assert sound_key(pair[0]) == sound_key(pair[1]) == "frs"


def test_near_equal_names_are_proposed_and_differing_years_are_told() -> None:
    near = compare_names("Kai-Wen Demoson", "Kaiwen Demosen")
    assert near is not None
    assert (near.basis, near.score) == ("typed", 92)
    apart = compare_names("Kai-Wen Demoson", "Kaiwen Demosen", first_year=1980, last_year=1991)
    assert apart is not None
    assert (apart.score, apart.years_differ) == (67, True)
    assert apart.score < LEAST
    same = compare_names("Kai-Wen Demoson", "Kaiwen Demosen", first_year=1980, last_year=1980)
    assert same == near


@pytest.mark.parametrize(
    ("first", "last"),
    [("Pharos", "Peres"), ("Anna", "Hanna"), ("Li", "Lu"), ("Sample One", "Sample Two"), ("", "A")],
)
def test_other_names_are_not_proposed(first: str, last: str) -> None:
    assert compare_names(first, last) is None


def test_the_order_of_words_and_accents_do_not_matter() -> None:
    found = compare_names("José García", "Garcia, Jose")
    assert found is not None
    assert (found.score, found.basis) == (100, "same")


@given(st.text(max_size=24), st.text(max_size=24))
def test_a_match_is_the_same_from_both_sides(first: str, last: str) -> None:
    there, back = compare_names(first, last), compare_names(last, first)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert (there.score, there.basis) == (back.score, back.basis)
        assert 0 < there.score <= 100
