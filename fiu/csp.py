"""Where browsers report what the content security policy stopped."""

import json

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

logger = structlog.get_logger(__name__)
MAXIMUM_BYTES = 8192


@csrf_exempt  # the browser sends it without a form
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """Log the directive, never the address: that may name a case."""
    body = request.read(MAXIMUM_BYTES)
    try:
        directive = json.loads(body)["csp-report"]["effective-directive"]
    except (ValueError, KeyError, TypeError):
        directive = "unreadable"
    logger.warning("csp_report", directive=str(directive)[:40])
    return HttpResponse(status=204)
