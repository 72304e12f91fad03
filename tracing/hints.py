"""Hints to workers by task name. A message is only a hint: the row is the truth, and the
dispatcher hints again what was not taken.
"""

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

logger = structlog.get_logger(__name__)

HINT_EXPIRES_SECONDS = 3600


def send_hint(task: str, *arguments: object) -> bool:
    """Publish one hint now; a failed broker is logged and never reaches the user (J9).

    Celery is loaded with the first one: it is a fifth of what a command that sends none begins
    with.
    """
    from kombu.exceptions import OperationalError  # noqa: PLC0415  # with Celery

    app = import_string(settings.HINTS_BY)
    try:
        app.send_task(
            task, args=list(arguments), retry=False, expires=HINT_EXPIRES_SECONDS,
            ignore_result=True,
        )  # fmt: skip
    except (OperationalError, OSError) as error:
        logger.warning("hint_not_sent", task=task, reason=type(error).__name__)
        return False
    return True


def hint_on_commit(task: str, *arguments: object) -> None:
    """Publish one hint once the present transaction is committed."""
    transaction.on_commit(lambda: send_hint(task, *arguments))
