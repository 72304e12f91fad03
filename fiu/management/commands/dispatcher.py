"""Run the dispatcher as a process of its own, as production does."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from fiu.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Hint due work to the workers and end what is over, until TERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(stop).run()
