"""The tasks of casework that workers are told of, by name."""

from tracing.jobs import hint_on_commit, send_hint

__all__ = [
    "AUDIT_CHECKPOINT", "COLLECT_FINDINGS", "SEND_OUTBOX", "SEND_WEBHOOKS", "hint_on_commit",
    "send_hint",
]  # fmt: skip

COLLECT_FINDINGS = "cases.collect_findings"
SEND_OUTBOX = "cases.send_outbox"
SEND_WEBHOOKS = "cases.send_webhooks"
AUDIT_CHECKPOINT = "cases.audit_checkpoint"
