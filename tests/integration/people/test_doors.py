"""Processes with one door each, and the visitor's address behind proxies."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from fiu.environment import SettingsError, password, require_secure, with_password
from fiu.middleware import ClientAddress

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("door", "path", "status"),
    [
        ("both", "/liaison/", 302),
        ("both", "/", 302),
        ("house", "/", 302),
        ("house", "/liaison/", 404),
        ("liaison", "/liaison/", 302),
        ("liaison", "/cases/", 404),
        ("liaison", "/audit/", 404),
        ("liaison", "/nowhere/", 404),
        ("liaison", "/accounts/login/", 200),
        ("liaison", "/healthz", 200),
    ],
)
def test_a_door_answers_for_its_own_paths_only(settings, door: str, path: str, status: int) -> None:
    settings.FIU_DOOR = door
    assert Client().get(path).status_code == status


def test_a_door_that_is_shut_looks_like_nothing_at_all(settings) -> None:
    settings.FIU_DOOR = "liaison"
    client = Client()
    shut, absent = (
        re.sub(rb"[A-Za-z0-9]{64}", b"token", client.get(path).content)
        for path in ("/cases/", "/nowhere/")
    )
    assert shut == absent


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "unknown", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_address_is_what_our_own_proxies_saw(
    settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.FIU_PROXIES = proxies

    def show(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.META["REMOTE_ADDR"])

    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded})
    assert ClientAddress(show)(request).content.decode() == address


def test_a_password_out_of_a_file_breaks_no_address() -> None:
    whole = with_password("redis://redis:6379/0", "p@ss:/w#rd")
    assert whole == "redis://:p%40ss%3A%2Fw%23rd@redis:6379/0"
    assert with_password("redis://ana@redis/1", "x") == "redis://ana:x@redis/1"


def test_a_password_file_that_is_not_there_is_one_sentence(tmp_path) -> None:
    with pytest.raises(SettingsError, match="FIU_REDIS_PASSWORD_FILE"):
        password("FIU_REDIS_PASSWORD_FILE", str(tmp_path / "absent"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        password("FIU_REDIS_PASSWORD_FILE", str(tmp_path / "empty"))


def test_an_address_that_is_no_secure_one_is_one_sentence() -> None:
    for good in ("https://tsa.example/x", "http://127.0.0.1:3161/"):
        require_secure("FIU_TSA_URL", good)
    for bad in (
        "http://tsa.example",
        "ftp://localhost/",
        "https://",
        "https://[",
        "https://a:port",
    ):
        with pytest.raises(SettingsError, match="FIU_TSA_URL must be"):
            require_secure("FIU_TSA_URL", bad)
