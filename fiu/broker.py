"""The folder as a broker, without its race: a message appears whole or not at all.

Kombu's own channel opens the final name, then locks and writes it. A consumer that lists the
folder in between moves an empty file away, fails to parse it, and its worker ends. Here a message
is written under another name first and renamed; what cannot be read is dropped, since a hint may
be lost (J9).
"""

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import structlog
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

logger = structlog.get_logger(__name__)


class Channel(filesystem.Channel):
    """Kombu's filesystem channel with whole messages and whole tables."""

    def _put(  # type: ignore[override]  # the two bases name the argument differently
        self, queue: str, payload: dict[str, Any], **kwargs: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}"
        draft = folder / f".{name}"
        draft.write_text(dumps(payload), encoding="utf-8")
        draft.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        while True:
            try:
                message: dict[str, Any] = super()._get(queue)
            except json.JSONDecodeError:
                logger.warning("hint_unreadable")
                continue
            return message

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        self.control_folder.mkdir(exist_ok=True)
        draft = self.control_folder / f".{uuid.uuid4()}"
        draft.write_text("[]", encoding="utf-8")
        try:
            os.link(draft, self._exchange_file(exchange))
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        super()._queue_bind(exchange, routing_key, pattern, queue)


class Transport(filesystem.Transport):
    """`filesystem://` with the channel above."""

    Channel = Channel


def install() -> None:
    """Make `filesystem://` mean this transport in this process."""
    TRANSPORT_ALIASES["filesystem"] = "fiu.broker:Transport"
