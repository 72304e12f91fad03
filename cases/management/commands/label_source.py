"""Sources of labels: name them, switch them, fetch one now, list them with their last result."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.models import LabelSource
from cases.services.errors import CaseworkError
from cases.services.label_sources import (
    SourceSpec,
    add_label_source,
    find_label_source,
    refresh_label_source,
    switch_label_source,
)


class Command(BaseCommand):
    help = (
        "Tag packs and sanctions lists that are fetched again by themselves. A path is taken from "
        "FIU_LABEL_FOLDER, an https:// address from a host of FIU_LABEL_HOSTS."
    )
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="name a source")
        add.add_argument("name")
        add.add_argument("kind", choices=["tags", "sanctions"])
        add.add_argument("location", metavar="LOCATION")
        add.add_argument("--every", type=int, default=24, metavar="HOURS")
        add.add_argument("--confidence", default="", help="level for a pack that names none")
        add.add_argument("--category", default="", help="concept for a CSV that names none")
        for step, words in (
            ("refresh", "fetch it now"), ("off", "ask no more"), ("on", "ask again"),
        ):  # fmt: skip
            steps.add_parser(step, help=words).add_argument("name")
        steps.add_parser("list", help="all of them with their last result")
        for each in steps.choices.values():
            each.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = self._do(options)
        except CaseworkError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps({"sources": [told(row) for row in rows]}))
        elif not rows:
            self.stdout.write("No source is named: label_source add NAME tags|sanctions LOCATION")
        else:
            self.stdout.write("\n".join(in_words(row) for row in rows))
        if options["step"] == "refresh" and rows[0].last_outcome == "failed":
            raise CommandError(f"{rows[0].name}: {rows[0].last_error}")

    def _do(self, options: dict[str, Any]) -> list[LabelSource]:
        step = options["step"]
        if step == "list":
            return list(LabelSource.objects.order_by("name"))
        if step == "add":
            spec = SourceSpec(
                options["name"], options["kind"], options["location"], options["every"],
                options["confidence"], options["category"],
            )  # fmt: skip
            return [add_label_source(spec)]
        if step == "refresh":
            found = refresh_label_source(find_label_source(options["name"]).pk, now=True)
            if found is None:
                raise CommandError(f"{options['name']}: a worker is fetching it.")
            return [found]
        return [switch_label_source(options["name"], is_on=step == "on")]


def told(source: LabelSource) -> dict[str, Any]:
    """One source as JSON."""
    moments = {"due_at": source.due_at, "last_at": source.last_at, "changed_at": source.changed_at}
    return {
        "name": source.name, "kind": source.kind, "location": source.location,
        "every_hours": source.every_hours, "is_on": source.is_on, "sha256": source.sha256,
        "rows": source.num_rows, "last_outcome": source.last_outcome,
        "last_error": source.last_error, "num_failures": source.num_failures,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }  # fmt: skip


def in_words(source: LabelSource) -> str:
    """One source for a reader."""
    state = source.get_last_outcome_display() or "Not asked yet"
    if source.last_error:
        state = f"{state}: {source.last_error}"
    cadence = f"every {source.every_hours} h" if source.is_on else "off"
    return f"{source.name} ({source.get_kind_display()}, {cadence}): {state}; {source.location}"
