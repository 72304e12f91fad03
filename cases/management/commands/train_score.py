"""Train a challenger for the learned score of customers or wallets; a second person decides."""

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from cases.detection.risk_model import CUSTOMER, TABLES
from cases.policy import Actor, PermissionDenied, Role
from cases.services.errors import CaseworkError
from cases.services.risk_models import train_model


class Command(BaseCommand):
    help = (
        "Train the learned score on decided alerts, or on named wallets (needs make learn)."
        " Nothing of it acts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, metavar="NAME", help="who trains: a supervisor")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--of", choices=sorted(TABLES), default=CUSTOMER, help="what it scores")
        parser.add_argument(
            "--quiet", type=int, default=3,
            help="customers without an alert, or wallets that nobody names, for each outcome,"
            " taken as no case (default 3)",
        )  # fmt: skip
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        people = get_user_model().objects.filter(is_active=True, username=options["by"])
        person = people.first()
        if person is None:
            raise CommandError(f"There is no active person {options['by']}.")
        if not 0 <= options["quiet"] <= 100:
            raise CommandError("--quiet is a number of 0 to 100.")
        try:
            model = train_model(
                reason=options["reason"], subject=options["of"], quiet=options["quiet"],
                seed=options["seed"], by=Actor(person.pk, Role(person.role)),
            )  # fmt: skip
        except (CaseworkError, PermissionDenied) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            told = {
                "model": str(model),
                "subject": model.subject,
                "sha256": model.content_hash,
                "card": model.card,
            }
            self.stdout.write(json.dumps(told))
            return
        held = model.card["held_out"]
        ended = "led to a case" if model.subject == CUSTOMER else "tied to crime"
        self.stdout.write(
            f"{model}: {model.card['num_rows']:,} outcomes, {model.card['num_led_to_case']:,}"
            f" {ended}; area under the curve on held-out ones {held['area_under_curve']}"
        )
        self.stdout.write("It is the challenger: a second person decides on its page.")
