"""Print a one-time sign-in link and the current second-factor code."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fiu.models import User
from fiu.people import SignInRefused, code_for, is_loopback_demo, link_for


class Command(BaseCommand):
    help = (
        "Print a link that stands for NAME's password once within 15 minutes, and the current "
        "second-factor code. Demo installations on loopback only."
    )
    requires_system_checks: list[str] = []  # they load every page, and this one is awaited

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="user name")
        parser.add_argument("--all", action="store_true", help="a link for every person")
        parser.add_argument("--code", action="store_true", help="the second-factor code only")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"]:
            people = list(User.objects.filter(is_active=True).order_by("pk"))
        elif options["name"]:
            people = list(User.objects.filter(username=options["name"]))
            if not people:
                raise CommandError(f"There is no person named {options['name']}.")
        else:
            raise CommandError("Name a person, or use --all.")
        try:
            answers = [self._answer(person, options) for person in people]
        except SignInRefused as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(answers if options["all"] else answers[0]))
            return
        if options["all"]:
            self.stdout.write("Sign in with a link below; each works once, for 15 minutes.")
            self.stdout.write(
                "`manage.py signin NAME` prints a fresh one and the code it asks for."
            )
        for answer in answers:
            self._print(answer, alone=not options["all"])

    @staticmethod
    def _answer(person: User, options: dict[str, Any]) -> dict[str, str | None]:
        answer: dict[str, str | None] = {
            "name": person.username,
            "full_name": person.get_full_name(),
            "role": person.role,
        }
        if not options["code"]:
            answer["link"] = link_for(person)
        if options["code"] or (is_loopback_demo() and not options["all"]):
            answer["code"] = code_for(person)
        return answer

    def _print(self, answer: dict[str, str | None], *, alone: bool) -> None:
        if "link" in answer and alone:
            self.stdout.write(f"link {answer['link']}")
        elif "link" in answer:
            self.stdout.write(f"{answer['name']:<12} {answer['role']:<11} {answer['link']}")
        if "code" in answer:
            code = answer["code"] or "none yet: the first sign-in sets one up"
            self.stdout.write(f"code {code}" if "link" in answer else code)
