"""Webhooks: name hosts that are told of changes, switch them, renew a secret, list them."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.models import Webhook
from cases.models.webhooks import WEBHOOK_EVENTS
from cases.services.errors import CaseworkError
from cases.services.webhooks import add_webhook, renew_webhook, secret_of, switch_webhook


class Command(BaseCommand):
    help = (
        "Hosts of FIU_WEBHOOK_HOSTS that are told ids of what changed, signed with a secret that "
        "add and renew print."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="tell a host from now on")
        add.add_argument("name")
        add.add_argument("url")
        add.add_argument("events", nargs="+", choices=[name for name, _words in WEBHOOK_EVENTS])
        for step, words in (
            ("off", "tell it no more"), ("on", "tell it again"), ("renew", "another secret"),
        ):  # fmt: skip
            steps.add_parser(step, help=words).add_argument("name")
        steps.add_parser("list", help="all of them")
        for each in steps.choices.values():
            each.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        step = options["step"]
        try:
            rows = self._do(step, options)
        except CaseworkError as error:
            raise CommandError(str(error)) from None
        told = [_told(row, with_secret=step in ("add", "renew")) for row in rows]
        if options["json"]:
            self.stdout.write(json.dumps({"webhooks": told}))
        elif not told:
            self.stdout.write("No webhook is named: webhook add NAME URL EVENT...")
        for each in () if options["json"] else told:
            self.stdout.write("  ".join(f"{name}={value}" for name, value in each.items()))

    def _do(self, step: str, options: dict[str, Any]) -> list[Webhook]:
        if step == "list":
            return list(Webhook.objects.order_by("name"))
        if step == "add":
            return [add_webhook(options["name"], options["url"], options["events"])]
        if step == "renew":
            return [renew_webhook(options["name"])]
        return [switch_webhook(options["name"], is_on=step == "on")]


def _told(hook: Webhook, *, with_secret: bool) -> dict[str, Any]:
    secret = {"secret": secret_of(hook)} if with_secret else {}
    return {
        "name": hook.name, "url": hook.url, "events": list(hook.events), "is_on": hook.is_on,
        **secret,
    }  # fmt: skip
