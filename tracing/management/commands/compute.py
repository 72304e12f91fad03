"""Whole-ledger jobs: CoinJoin flags, clusters, exposure, figures, with a hash to compare."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tracing.compute import ACCOUNT_JOBS, JOBS, Computed, Jobs, Known, Place, loaded_jobs
from tracing.exposure_views import cluster_category, own_categories
from tracing.ledger_views import resolve_ledger
from tracing.ledgers import names, open_ledger
from tracing.ledgers.accounts import open_account_ledger
from tracing.management.asking import LEDGERS, one_sentence
from tracing.models import Boundary

ALL = "all"


class Command(BaseCommand):
    help = "Run a job over a whole ledger, on DuckDB here or on the server of FIU_COMPUTE_URL."
    requires_system_checks: list[str] = []  # they load every page, for nothing here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", choices=(*JOBS, ALL))
        parser.add_argument("ledger", help=LEDGERS)
        parser.add_argument(
            "--check",
            action="store_true",
            help="compute it with the kernels too, and fail where they differ",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = one_sentence(loaded_jobs)
        name = one_sentence(lambda: resolve_ledger(options["ledger"]))
        every = ACCOUNT_JOBS if names.is_account(name) else JOBS
        asked = every if options["job"] == ALL else (options["job"],)
        known = Known(
            list(Boundary.objects.walls(name)), own_categories(name), cluster_category(name)
        )
        place = Place(
            folder=settings.FIU_HOME / "cache",
            url=settings.COMPUTE_URL,
            seen_home=settings.COMPUTE_HOME,
            memory=settings.COMPUTE_MEMORY,
        )
        found = one_sentence(lambda: jobs.compute(settings.FIU_HOME, name, asked, known, place))
        same = differing = None
        if options["check"]:
            differing = one_sentence(lambda: _differing(jobs, found, known))
            same = not differing
        if options["json"]:
            self.stdout.write(json.dumps(as_json(found, same)))
        else:
            self.stdout.write("\n".join(in_words(found, same)))
        if differing:
            raise CommandError(f"The kernels find something else: {', '.join(differing)}.")


def _differing(jobs: Jobs, found: Computed, known: Known) -> list[str]:
    """Jobs that the kernels answer otherwise, at the same snapshot."""
    opened = open_account_ledger if names.is_account(found.ledger) else open_ledger
    ledger = opened(settings.FIU_HOME, found.ledger, tip_hash=found.tip_hash)
    return [
        each.job
        for each in found.outcomes
        if jobs.kernel_hash(ledger, each.job, known) != each.sha256
    ]


def as_json(found: Computed, same: bool | None) -> dict[str, Any]:
    """What the jobs found, for programs."""
    return {
        "ledger": found.ledger,
        "height": found.height,
        "tip_hash": found.tip_hash,
        "engine": found.engine,
        "prepared_seconds": round(found.prepared, 3),
        "same_as_kernels": same,
        "jobs": [
            {
                "job": each.job,
                "sha256": each.sha256,
                "seconds": round(each.seconds, 3),
                "figures": each.figures,
            }
            for each in found.outcomes
        ],
    }


def in_words(found: Computed, same: bool | None) -> list[str]:
    """The same as lines for a reader."""
    lines = [
        f"{found.ledger}, block {found.height:,}, on {found.engine}; "
        f"tables made in {found.prepared:.1f} s",
    ]
    for each in found.outcomes:
        lines += ["", f"{each.job}: {each.sha256} in {each.seconds:.1f} s"]
        for name, value in each.figures.items():
            if isinstance(value, list):
                lines += [f"  {' '.join(str(part) for part in row.values())}" for row in value]
            else:
                lines.append(f"  {name:30} {f'{value:,}' if isinstance(value, int) else value}")
    if same is not None:
        lines += ["", f"the kernels: {'identical' if same else 'something else'}"]
    return lines
