"""Hints to workers by task name. A message is only a hint: the row is the truth, and the
dispatcher hints again what was not taken.
"""

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = structlog.get_logger(__name__)

COLLECT_FINDINGS = "cases.collect_findings"
SEND_OUTBOX = "cases.send_outbox"
SEND_WEBHOOKS = "cases.send_webhooks"
AUDIT_CHECKPOINT = "cases.audit_checkpoint"
HINT_EXPIRES_SECONDS = 3600


def send_hint(task: str, *args: str | int) -> None:
    """Publish one hint now; a failed broker is logged and never reaches the user (J9)."""
    try:
        current_app.send_task(
            task, args=args, retry=False, expires=HINT_EXPIRES_SECONDS, ignore_result=True
        )
    except (OperationalError, OSError) as error:
        logger.warning("hint_not_sent", task=task, reason=type(error).__name__)


def hint_on_commit(task: str, *args: str | int) -> None:
    """Publish one hint once the present transaction is committed."""
    transaction.on_commit(lambda: send_hint(task, *args))
