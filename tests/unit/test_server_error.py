"""The page for what went wrong here: drawn without a database, plain where it cannot be drawn."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from cases.states import InvalidTransition
from fiu import errors
from fiu.middleware import DomainErrors


def test_a_failure_gets_a_page_with_what_is_safe_and_a_reference() -> None:
    answer = errors.server_error(RequestFactory().get("/cases/"))
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "<h1>Something failed here</h1>" in page
    assert "Nothing was changed." in page
    assert "data-reference" in page


@pytest.mark.parametrize(
    "error", [ValueError("no manifest of static files"), KeyError("in a tag"), RuntimeError()]
)
def test_a_failure_that_has_no_page_is_told_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: Any) -> str:
        raise error

    monkeypatch.setattr(errors, "render_to_string", fail)
    answer = errors.server_error(RequestFactory().get("/cases/"))
    assert answer.status_code == 500
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().startswith("Something failed here. Nothing was changed.")


@pytest.mark.parametrize(("path", "is_told"), [("/cases/", True), ("/liaison/", False)])
def test_only_the_house_is_told_where_a_row_stands(path: str, is_told: bool) -> None:
    request = RequestFactory().post(path)
    request.user = AnonymousUser()
    words = "Nothing was done: it is in review by now."
    layer = DomainErrors(lambda _request: HttpResponse())
    answer = layer.process_exception(request, InvalidTransition(words))
    assert answer is not None
    assert answer.status_code == 409
    assert (words in answer.content.decode()) == is_told
