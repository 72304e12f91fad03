"""What log lines of exceptions and of other packages keep: ids, names of code, no values (P5).

An exception's words may quote whatever broke it, a customer's name or an address; a path may name
a wallet. So a line keeps where it broke and what kind of error it was, and of another package's
sentence the name of its logger. Our own lines name their fields themselves.
"""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

# Lines of these are sentences around a path, also where nothing was raised.
WITH_PATHS = ("django.request", "django.server")


def plain_exception(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """`exc_info` as kinds and places: each cause with its frames, the innermost last."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    if isinstance(given, BaseException):
        error: BaseException | None = given
    else:
        error = given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    causes: list[dict[str, Any]] = []
    while error is not None and len(causes) < 5:
        kind = type(error)
        places = _places(error.__traceback__)
        causes.append({"kind": f"{kind.__module__}.{kind.__qualname__}", "at": places})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return event | {"exception": causes}


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-20:]
    return [f"{each.filename}:{each.lineno} {each.name}" for each in frames]


def plain_sentence(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The name of the logger for another package's sentence around an error or a path."""
    record: logging.LogRecord | None = event.get("_record")
    if record is None or not (record.exc_info or record.name.startswith(WITH_PATHS)):
        return event
    event["event"] = record.name
    data = getattr(record, "data", None)
    if isinstance(data, dict):  # of a task of Celery
        event |= {f"task_{name}": str(data[name]) for name in ("name", "id") if name in data}
    status = getattr(record, "status_code", None)
    return event if status is None else event | {"status": status}
