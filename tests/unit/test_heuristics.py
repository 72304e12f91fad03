"""The measured error of heuristics: the figures of the document, cited where relied on."""

from dataclasses import replace

import pytest

from cases import report_words
from cases.dossier import from_json, to_json
from cases.exports import html
from cases.heuristics import error_of, measured, methods_behind
from tests.heuristic_figures import WRITTEN, figures
from tests.packs import DOSSIER, RUN

pytestmark = pytest.mark.once


def test_the_figures_are_those_of_the_document() -> None:
    """After a new measurement: python -m tests.heuristic_figures."""
    assert WRITTEN.read_text("utf-8") == figures()
    assert len(measured()) >= 4


def test_a_run_that_looked_for_coinjoins_cites_what_is_wrong_with_that() -> None:
    looked = replace(RUN, parameters='{"coinjoin":"stop"}')
    assert methods_behind((replace(RUN, parameters='{"coinjoin":"off"}'),)) == ()
    found = methods_behind((looked, looked))
    assert found == error_of("coinjoin")
    assert len(found) == 5


def test_what_is_only_probable_has_its_measured_error_too() -> None:
    [change] = error_of("change")
    assert 0 < change.wrong < change.looked_at
    assert error_of("unheard of") == ()


@pytest.mark.parametrize("language", report_words.LANGUAGES)
def test_the_report_says_it_in_each_language_with_its_version(language: str) -> None:
    methods = methods_behind((replace(RUN, parameters='{"coinjoin":"stop"}'),))
    dossier = replace(DOSSIER, language=language, methods=methods)
    page = html.render(dossier).decode()
    assert html.render(dossier).decode() == page
    for each in methods:
        assert f"{each.wrong} / {each.looked_at}" in page
        assert each.version in page
        assert report_words.say(each.heuristic, language) in page
    assert from_json(to_json(dossier)) == dossier


def test_a_release_without_them_reads_as_before() -> None:
    assert "methods" not in to_json(replace(DOSSIER, methods=()))
