"""What workers do for the casework: each takes ids, calls one service, and may run twice."""

from uuid import UUID

from celery import shared_task
from django.conf import settings

from cases.files import take_in_uploads
from cases.gateways.exchange import GatewayNotConfigured, exchange_gateway
from cases.hints import send_hint
from cases.services import checkpoints, label_sources, outbox, webhooks
from cases.services.detection_runs import work_on_due_runs
from cases.services.findings import collect_findings
from cases.services.freezes.warnings import mail_warnings
from cases.services.officer_alarms import look_at_officers
from cases.services.officers import expire_officers
from cases.services.reads import seal_reads
from cases.services.requests import announce_officers_acts
from cases.services.stamps import stamp_releases
from cases.services.traces import note_stale_traces, watch_drift
from cases.services.verification import verify_if_due
from cases.services.watches import look_at_watches, mail_notices
from tracing import jobs

DRIFT_WATCH_SECONDS = 20
"""A worker begins no further run after so long: people's traces must not wait for it."""
DETECT_SECONDS = 20
"""A worker begins no further batch of accounts after so long, and hints the rest."""


@shared_task(name="cases.collect_findings")
def collect_findings_task(run: str) -> int:
    """Take the findings of a finished run; returns how many drafts were made."""
    made = collect_findings(UUID(run))
    jobs.failpoint("run.collected")
    return made


@shared_task(name="cases.note_stale_traces")
def note_stale_traces_task() -> int:
    """Write down which finished traces a reorganisation made stale."""
    return note_stale_traces()


@shared_task(name="cases.watch_drift")
def watch_drift_task() -> int:
    """Ask sealed runs again for a while; the next hint goes on where this one stopped."""
    return watch_drift(pause=settings.DRIFT_SECONDS, seconds=DRIFT_WATCH_SECONDS).num_asked


@shared_task(name="cases.send_outbox")
def send_outbox_task(message: str = "") -> int:
    """Bring one order to the exchange a step further, or all that are due."""
    try:
        gateway = exchange_gateway()
    except GatewayNotConfigured:
        return 0  # orders wait until an exchange is connected
    if message:
        outbox.send_outbox_message(UUID(message), gateway=gateway)
        return 1
    return outbox.send_due_messages(gateway)


@shared_task(name="cases.housekeeping")
def housekeeping_task() -> dict[str, int]:
    """Let unratified holds lapse, warn of ends, mark freezes that fall due, go on releasing.

    Accounts of officers end, and what is unusual of one is told. Looks are sealed, documents that
    officers sent are taken in, and at last mails go out.
    """
    done = outbox.housekeeping()
    done |= {"stamps": stamp_releases(settings.TSA_URL)}
    done |= {"reads_sealed": seal_reads(), "uploads_taken_in": take_in_uploads()}
    done |= {"notices": look_at_watches()}
    done |= {"officers_expired": expire_officers(), "officer_alarms": look_at_officers()}
    return done | {"mails": mail_warnings() + mail_notices()}


@shared_task(name="cases.verify_audit")
def verify_audit_task() -> bool:
    """Verify the audit chains, once a day."""
    return verify_if_due()


@shared_task(name="cases.audit_checkpoint")
def audit_checkpoint_task(reason: str = "") -> bool:
    """Write where the audit chains stand, if it is time or a release was sealed."""
    if reason == "release":
        checkpoints.write_checkpoint()
        return True
    return checkpoints.write_checkpoint_if_due()


@shared_task(name="cases.refresh_labels")
def refresh_labels_task() -> int:
    """Fetch the tag packs and sanctions lists that are due."""
    return label_sources.refresh_due_labels()


@shared_task(name="cases.send_webhooks")
def send_webhooks_task() -> int:
    """Tell the configured hosts what changed, as far as it is due."""
    announce_officers_acts()
    return webhooks.send_due_deliveries()


@shared_task(name="cases.run_detection")
def run_detection_task() -> bool:
    """Run the rules that are due for a while; the rest is hinted again and goes on behind it."""
    is_left = work_on_due_runs(DETECT_SECONDS)
    if is_left:
        send_hint("cases.run_detection")
    return is_left
