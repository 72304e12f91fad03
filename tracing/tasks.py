"""The worker's side of a hint. The row decides whether there is anything to do."""

from celery import shared_task

from tracing import runner
from tracing.follow import follow


@shared_task(name="tracing.run")
def run(run_id: int) -> None:
    """Carry one run. May arrive twice, late or never: the claim sorts it out."""
    runner.run(run_id, follow)
