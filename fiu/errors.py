"""Pages for what went wrong. Not visible and not existing look the same, byte for byte.

Each page shows a reference that stands in the log line, never the cause.
"""

import uuid

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

from cases.api.problems import problem_page
from fiu.limits import seconds_until_allowed
from fiu.session_over import renewed_form

logger = structlog.get_logger(__name__)

SENTENCES = {
    400: "The request could not be read.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
    409: "This has changed in the meantime. Reload the page to see its present state.",
    429: "Too many requests: wait a moment.",
    500: "Something failed here. Nothing was changed.",
}


def error_page(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    """The page for a status; plain text when even the template fails."""
    reference = "" if status == 404 else uuid.uuid4().hex[:12]
    if reference:
        logger.info("error_page", status=status, reference=reference)
    if request.path.startswith(settings.API_PREFIX):
        return problem_page(request, status, sentence)
    context = {
        "status": status,
        "sentence": sentence or SENTENCES[status],
        "is_general": not sentence,  # the heading says as much; a toast has no heading
        "reference": reference,
    }
    try:
        page = render_to_string(f"{status}.html", context, request)
    except TemplateDoesNotExist:
        text = f"{context['sentence']} {reference}".strip()
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    return HttpResponse(page, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return error_page(request, 400, "The request is too large. Send a long list in parts.")
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404)


def too_many(request: HttpRequest, sentence: str = "", seconds: int | None = None) -> HttpResponse:
    """429 with the time to wait. allauth calls it with the request alone, for its own limits."""
    if seconds is None:
        seconds = seconds_until_allowed(request)
    page = error_page(request, 429, sentence)
    page["Retry-After"] = str(seconds)
    return page


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort: no database, and plain words where even the page cannot be drawn."""
    reference = uuid.uuid4().hex[:12]
    logger.error("server_error", reference=reference)
    if request.path.startswith(settings.API_PREFIX):
        return problem_page(request, 500, f"{SENTENCES[500]} Reference {reference}")
    try:
        # Without the request: who asks, and what waits for them, would be asked of the database.
        page = render_to_string("500.html", {"status": 500, "reference": reference})
    except Exception:  # noqa: BLE001  # nothing stands behind this one
        return HttpResponse(
            f"{SENTENCES[500]} Reference {reference}",
            status=500,
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(page, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return renewed_form(request) or error_page(request, 403)
