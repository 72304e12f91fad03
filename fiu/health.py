"""Is this installation alive? Answers loopback and the supervisor; says nothing about cases."""

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

logger = structlog.get_logger(__name__)


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, 503 when it does not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        logger.error("database_away", error=type(error).__name__)
        return JsonResponse({"status": "database away"}, status=503)
    return JsonResponse({"status": "ok"})
