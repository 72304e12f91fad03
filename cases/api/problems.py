"""What went wrong, as RFC 9457 problem+json in one sentence; the only place that turns errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions, status
from rest_framework.response import Response

from cases.files import FileDamaged
from cases.policy import PermissionDenied, StepUpRequired
from cases.services.audit import record_refusal
from cases.services.errors import (
    CaseworkError,
    ContentChanged,
    NotFound,
    TooFast,
    VersionChanged,
)
from cases.services.idempotency import KeyReused
from cases.states import InvalidTransition
from tracing.errors import TracingError

MEDIA_TYPE = "application/problem+json"
L = gettext_lazy

# Status -> what `title` says of every problem with it, and the sentence where none is at hand.
TITLES: Mapping[int, tuple[Any, Any]] = {
    400: (L("The request cannot be read"), L("The request could not be read.")),
    401: (L("Not signed in"), L("Send a token that is valid, or sign in.")),
    403: (L("Refused"), L("You may not do this.")),
    404: (L("Not there"), L("There is nothing at this address.")),
    405: (L("Wrong method"), L("This address does not take that method.")),
    409: (L("Changed meanwhile"), L("This has changed in the meantime: read it again.")),
    413: (L("Too large"), L("The request is too large.")),
    415: (L("Wrong type"), L("This type of content is not taken here.")),
    422: (L("Not possible as it stands"), L("This is not possible as it stands.")),
    429: (L("Too many requests"), L("Too many requests: wait a moment.")),
    500: (L("Failed"), L("Something failed here. Nothing was changed.")),
}


class SecondFactorMissing(exceptions.PermissionDenied):
    """The session has not shown its second factor yet."""

    default_detail = L("Show your second factor first: sign in again in the browser.")
    default_code = "second-factor"


class TooLarge(exceptions.APIException):
    """More than the parser takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = L("A request has at most 1 MB of JSON; files have a route of their own.")
    default_code = "too-large"


@dataclass(frozen=True)
class Problem:
    """One problem: `code` is what programs branch on, `sentence` what people read.

    `errors` are values that were refused, each {field, detail}; `present` what a row holds now.
    """

    status: int
    code: str
    sentence: str = ""
    errors: tuple[dict[str, str], ...] = ()
    present: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        title, sentence = TITLES[self.status]
        told: dict[str, Any] = {
            "type": f"urn:tracehold:problem:{self.code}",
            "title": str(title),
            "status": self.status,
            "detail": self.sentence or str(sentence),
        }
        if self.errors:
            told["errors"] = list(self.errors)
        if self.present is not None:
            told["present"] = {name: _plain(value) for name, value in self.present.items()}
        return told


NOT_FOUND = Problem(404, "not-found")


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error of a view; None for a fault of ours, which ends as a 500."""
    request, view = context["request"], context["view"]
    problem = _problem_of(
        error,
        is_token=getattr(request, "auth", None) is not None,
        is_write=request.method in ("POST", "PATCH"),
    )
    if problem is None:
        return None
    actor = getattr(request._request, "actor", None)
    is_refusal = isinstance(error, PermissionDenied) and not isinstance(error, StepUpRequired)
    if is_refusal and actor is not None and getattr(view, "keeps_refusals", True):
        # H8: the refusal is an event too, after the service rolled back.
        subject = next((str(value) for value in view.kwargs.values()), "-")
        record_refusal(by=actor, action=view.route, object=subject, reason=str(error))
    response = Response(problem.body(), status=problem.status, content_type=MEDIA_TYPE)
    header = getattr(error, "auth_header", None)
    if header:
        response["WWW-Authenticate"] = header
    if isinstance(error, TooFast):
        response["Retry-After"] = str(error.seconds)
    return response


def _problem_of(error: Exception, *, is_token: bool, is_write: bool) -> Problem | None:
    if isinstance(error, NotFound) and is_write and str(error):
        return Problem(422, "not-possible", str(error))  # the address was found: a value was not
    if isinstance(error, Http404 | NotFound | exceptions.NotFound):
        return NOT_FOUND
    if isinstance(error, StepUpRequired):
        if is_token:
            words = _("This act asks for a fresh second factor, which a token cannot show.")
            return Problem(403, "step-up-by-person", words)
        return Problem(403, "step-up", str(error))
    if isinstance(error, VersionChanged):
        return Problem(409, "version-changed", str(error), present=error.changed)
    if isinstance(error, ContentChanged):
        return Problem(409, "content-changed", str(error))
    if isinstance(error, KeyReused):
        return Problem(409, "key-reused", str(error))
    if isinstance(error, InvalidTransition):
        return Problem(409, "state-changed", str(error))
    if isinstance(error, PermissionDenied | DjangoPermissionDenied):
        return Problem(403, "refused", str(error))
    if isinstance(error, TooFast):
        return Problem(429, "too-fast", str(error))
    if isinstance(error, FileDamaged):
        return Problem(422, "damaged", _("The stored file is damaged: verify the store."))
    if isinstance(error, CaseworkError | TracingError):
        return Problem(422, "not-possible", str(error))
    if isinstance(error, exceptions.NotAuthenticated):
        return Problem(401, "not-authenticated")
    if isinstance(error, exceptions.ValidationError):
        errors = tuple(_each(error.detail, ""))
        first = errors[0]
        words = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
        return Problem(400, "invalid", words, errors)
    if isinstance(error, exceptions.APIException) and error.status_code in TITLES:
        code = str(error.default_code).replace("_", "-")
        return Problem(error.status_code, code, str(error.detail))
    return None


def _each(detail: Any, field: str) -> list[dict[str, str]]:
    """Every refused value of a nested answer, by its path such as `lines.0.requested`."""
    if isinstance(detail, Mapping):
        return [
            one
            for name, part in detail.items()
            for one in _each(part, field if name == "non_field_errors" else _join(field, name))
        ]
    if isinstance(detail, list):
        return [
            one
            for number, part in enumerate(detail)
            for one in _each(part, field if isinstance(part, str) else _join(field, number))
        ]
    return [{"field": field, "detail": str(detail)}]


def _join(field: str, name: object) -> str:
    return f"{field}.{name}" if field else str(name)


def _plain(value: Any) -> Any:
    """A value of a row as JSON can say it: amounts and everything odd as text."""
    return value if isinstance(value, str | bool | None | list) else str(value)


def problem_page(request: HttpRequest, code: int, sentence: str = "") -> HttpResponse:
    """The same for what fails outside a view: an unknown address, a fault of ours."""
    names = {400: "unreadable", 403: "refused", 404: "not-found", 429: "too-fast", 500: "failed"}
    problem = Problem(code, names.get(code, "failed"), sentence)
    return HttpResponse(
        json.dumps(problem.body(), ensure_ascii=False, separators=(",", ":")),
        status=code,
        content_type=MEDIA_TYPE,
    )
