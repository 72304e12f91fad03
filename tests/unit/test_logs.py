"""Log lines of errors keep kinds and places and no value (P5)."""

import json
import logging
from typing import Any

import pytest
import structlog
from celery.app.trace import logger as celery_logger
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.log import log_response

SECRET = "Anna Qxsecret"


class Lines(logging.Handler):
    """Formats as the handler of the settings does."""

    def __init__(self) -> None:
        super().__init__()
        configured = settings.LOGGING["formatters"]["json"]
        self.formatter = structlog.stdlib.ProcessorFormatter(
            **{name: value for name, value in configured.items() if name != "()"}
        )
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(self.format(record))


@pytest.fixture
def lines() -> Any:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.told
    logging.getLogger().removeHandler(handler)


def fail() -> None:
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise ValueError(f"no account of {SECRET}") from error


def only(lines: list[str]) -> dict[str, Any]:
    assert len(lines) == 1, lines
    assert "Qxsecret" not in lines[0]
    told: dict[str, Any] = json.loads(lines[0])
    return told


def test_an_exception_is_told_by_kind_and_place(lines: list[str]) -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger("fiu.test").exception("run_broke", run="r-1")
    told = only(lines)
    assert (told["event"], told["run"], told["level"]) == ("run_broke", "r-1", "error")
    assert [cause["kind"] for cause in told["exception"]] == [
        "builtins.ValueError", "builtins.KeyError",
    ]  # fmt: skip
    assert told["exception"][0]["at"][-1].endswith(" fail")


def test_a_fault_of_a_page_names_no_path(lines: list[str]) -> None:
    request: HttpRequest = RequestFactory().get(f"/addresses/{SECRET}/?q={SECRET}")
    try:
        fail()
    except ValueError as error:
        log_response(
            "%s: %s", "Internal Server Error", request.path, request=request,
            response=HttpResponse(status=500), exception=error,
        )  # fmt: skip
    told = only(lines)
    assert (told["event"], told["status"]) == ("django.request", 500)


def test_a_status_without_an_error_names_no_path_either(lines: list[str]) -> None:
    request: HttpRequest = RequestFactory().get(f"/addresses/{SECRET}/")
    log_response(
        "%s: %s", "Service Unavailable", request.path, request=request,
        response=HttpResponse(status=503),
    )  # fmt: skip
    assert only(lines)["status"] == 503


def test_a_task_that_breaks_is_told_by_name_and_id(lines: list[str]) -> None:
    context = {"name": "cases.send_outbox", "id": "t-1", "exc": SECRET, "args": f"[{SECRET}]"}
    try:
        fail()
    except ValueError:
        celery_logger.error(
            "Task %(name)s[%(id)s] raised: %(exc)s", context, exc_info=True,
            extra={"data": context},
        )  # fmt: skip
    told = only(lines)
    assert (told["task_name"], told["task_id"]) == ("cases.send_outbox", "t-1")
