"""A form that is sent twice within a moment, as by a double click, is done once."""

import threading
from urllib.parse import urlencode

import pytest
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from django.urls import reverse

from cases.models import Case, Note, Task
from fiu import once
from fiu.once import OnceAMoment
from tests.casework import make_actor, make_case, make_user
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


def send(client: Client, url: str, token: str, **values: str) -> HttpResponse:
    body = urlencode({"csrfmiddlewaretoken": token, **values})
    return client.post(url, body, content_type=FORM)  # type: ignore[return-value]


def test_two_clicks_on_one_page_make_one_thing() -> None:
    user = make_user("analyst")
    case, client = make_case(make_actor(user), started=True), client_of(user)
    for route, values, rows in (
        ("task_new", {"title": "Call the bank"}, Task.objects.filter(case=case)),
        ("note_new", {"text": "They called."}, Note.objects.filter(case=case)),
    ):
        url = reverse(route, args=[case.public_id])
        first, second = (send(client, url, "a" * 64, **values) for _click in range(2))
        assert (first.status_code, second.status_code) == (302, 302), route
        assert first["Location"] == second["Location"]
        assert rows.count() == 1, route
        send(client, url, "b" * 64, **values)  # the page drawn anew: meant again
        assert rows.count() == 2, route
    fields = {"title": "Twice", "case_type": "fraud", "priority": "P1", "visibility": "unit"}
    for _click in range(2):
        send(client, reverse("case_new"), "a" * 64, **fields)
    assert Case.objects.filter(title="Twice").count() == 1


def test_what_was_refused_is_asked_again_and_others_ask_for_themselves() -> None:
    user, other = make_user("analyst"), make_user("analyst")
    case = make_case(make_actor(user), started=True)
    url = reverse("task_new", args=[case.public_id])
    client = client_of(user)
    assert [send(client, url, "a" * 64, title="").status_code for _ in range(2)] == [422, 422]
    send(client, url, "a" * 64, title="Call")
    send(client_of(other), url, "a" * 64, title="Call")
    assert Task.objects.filter(case=case).count() == 2


def test_the_second_click_waits_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "caches", {"default": caches["nearby"]})
    begun, may_end, calls = threading.Event(), threading.Event(), list[int]()

    def view(_request: HttpRequest) -> HttpResponseBase:
        calls.append(1)
        begun.set()
        assert may_end.wait(10)
        return HttpResponse(status=302, headers={"Location": "/made/"})

    session = type("Session", (), {"session_key": "of one person"})()

    def click(found: list[HttpResponseBase]) -> None:
        request = RequestFactory().post("/", "csrfmiddlewaretoken=x", content_type=FORM)
        request.session = session
        found.append(OnceAMoment(view)(request))

    found: list[HttpResponseBase] = []
    clicks = [threading.Thread(target=click, args=(found,)) for _ in range(2)]
    clicks[0].start()
    assert begun.wait(10)
    clicks[1].start()
    may_end.set()
    for each in clicks:
        each.join(20)
    assert [each["Location"] for each in found] == ["/made/", "/made/"]
    assert len(calls) == 1
