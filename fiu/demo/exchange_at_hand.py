"""An exchange to ask while the demo's casework is made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from fiu.environment import secret
from fiu.reference_exchange.app import Exchange
from fiu.reference_exchange.books import Books
from fiu.reference_exchange.server import make_server


@contextmanager
def exchange_at_hand(balances: Path) -> Iterator[None]:
    """The connected exchange or, without one, the reference exchange for as long as this lasts.

    Its books are the file that the supervisor's reference exchange keeps, so nothing is forgotten.
    """
    if settings.EXCHANGE_URL:
        yield
        return
    token = secret(settings.EXCHANGE_TOKEN_FILE)
    file = Path(settings.FIU_HOME) / "reference_exchange.sqlite3"
    books = Books(file, clock=lambda: timezone.now())  # of the moment: the demo's own may be moved
    server = make_server(Exchange(books, token, balances=balances))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.EXCHANGE_URL = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        settings.EXCHANGE_URL = ""
        server.shutdown()
        server.server_close()
