"""Does the worker of this container take work? The health check of docker-compose.yml (J14)."""

import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracing import jobs


class Command(BaseCommand):
    help = "Fail when a run waits too long although a worker is free; --restart ends the container."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=2, help="runs at once")
        parser.add_argument("--restart", action="store_true", help="its restart policy follows")

    def handle(self, *args: Any, **options: Any) -> None:
        waiting = jobs.oldest_claimable_seconds()
        if waiting < settings.DEAF_SECONDS or jobs.num_running() >= options["workers"]:
            return
        if options["restart"]:
            end_container()
        raise CommandError(f"A run has waited for {waiting:.0f} s and nobody takes it.")


def end_container() -> None:
    """Kill the main process below the container's init, as hard as the supervisor kills a worker.

    What it held is taken up again when the lease has run out.
    """
    process_1 = Path("/proc/1")
    if (process_1 / "comm").read_text().strip() not in {"docker-init", "tini"}:
        raise CommandError("--restart works in a container with an init process only.")
    for child in (process_1 / "task" / "1" / "children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
