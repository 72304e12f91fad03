"""Guards of the ledger's decisions, operations, tasks, notes and the evidence store."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package or of states.py

from cases import states
from cases.guards.officers import officers
from cases.guards.row_security import OF_A_CASE
from cases.guards.shapes import (
    Guard,
    append_only,
    changed,
    never_replaced,
    proposal,
    second_person,
    state_table,
)


def freeze_decisions() -> list[Guard]:
    """Extensions and releases: content as requested, decided by a second person on that content."""
    guards = []
    for table, approvals, link, start, pairs, content in (
        (
            "cases_freezeextension", "cases_extensionapproval", "extension_id",
            states.ExtensionState.REQUESTED, states.EXTENSION, ("basis", "until", "content_hash"),
        ),
        (
            "cases_freezerelease", "cases_freezereleaseapproval", "release_id",
            states.FreezeReleaseState.REQUESTED, states.FREEZE_RELEASE, (),
        ),
    ):  # fmt: skip
        kept = ("freeze_id", "number", "reason", "instrument_id", "requested_by_id", *content)
        guards += [
            *state_table(table, start, pairs),
            Guard(f"{table}_content", table, "UPDATE", changed(kept), f"{table} stays as asked"),
            Guard(
                f"{table}_decider", table, "UPDATE",
                "OLD.decided_by_id IS NOT NULL AND NEW.decided_by_id <>? OLD.decided_by_id",
                "who decided stays",
            ),
            Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
            *append_only(approvals, (link, "user_id", "content_hash")),
            second_person(approvals, table, link, "requested_by_id"),
            Guard(
                f"{approvals}_hash", approvals, "INSERT",
                f"NEW.content_hash <> (SELECT content_hash FROM {table} WHERE id = NEW.{link})",
                "an approval is of the present content",
            ),
        ]  # fmt: skip
    return [
        *guards,
        Guard(
            "freeze_release_hash", "cases_freezerelease", "UPDATE",
            "NEW.content_hash <> OLD.content_hash AND OLD.content_hash <> ''",
            "the hash of a release stays",
        ),
        *append_only("cases_freezereleaseline", ("release_id", "line_id")),
        Guard(
            "cases_freezereleaseline_late", "cases_freezereleaseline", "INSERT",
            "EXISTS (SELECT 1 FROM cases_freezerelease WHERE id = NEW.release_id"
            " AND content_hash <> '')",
            "a release keeps its lines",
        ),
    ]  # fmt: skip


def self_lookups() -> list[Guard]:
    """Who looked up whom stays; a second person sees it, once."""
    table = "cases_selflookup"
    return [
        Guard(
            f"{table}_content", table, "UPDATE",
            changed(("id", "public_id", "user_id", "what", "case_id", "at")),
            "a look at oneself stays as it was",
        ),
        Guard(
            f"{table}_seen", table, "UPDATE",
            f"OLD.seen_at IS NOT NULL AND {changed(('seen_by_id', 'seen_at'))}",
            "who has seen it stays",
        ),
        Guard(f"{table}_unseen", table, "INSERT", "NEW.seen_at IS NOT NULL", "it begins unseen"),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
        never_replaced(table, ("public_id",)),
    ]  # fmt: skip


def _warnings() -> list[Guard]:
    """A warning that was given stays; that it went out by mail is noted once."""
    table = "cases_freezewarning"
    return [
        Guard(
            f"{table}_content", table, "UPDATE",
            changed(("id", "freeze_id", "ends_at", "hours", "at"))
            + " OR (OLD.mailed_at IS NOT NULL AND NEW.mailed_at <>? OLD.mailed_at)",
            "a warning stays as it was given",
        ),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
        never_replaced(table, ("freeze_id", "ends_at", "hours")),
    ]  # fmt: skip


def _deliveries() -> list[Guard]:
    """What was told, and when it was decided to tell it, stays."""
    table = "cases_webhookdelivery"
    return [
        *state_table(table, states.DeliveryState.PENDING, states.DELIVERY),
        Guard(
            f"{table}_content", table, "UPDATE",
            changed(("id", "webhook_id", "event", "subject", "created_at")),
            "a delivery stays what it was written for",
        ),
    ]  # fmt: skip


def _relations() -> list[Guard]:
    """A relation stays as it was said; a merge takes a second person who did not say it."""
    table = "cases_caserelation"
    said = (
        f"EXISTS (SELECT 1 FROM {table} r WHERE r.case_id = NEW.id"
        " AND r.other_id = NEW.merged_into_id AND r.kind = 'duplicate' AND r.ended_at IS NULL"
        " AND r.related_by_id <> NEW.merged_by_id)"
    )
    return [
        Guard(
            f"{table}_content", table, "UPDATE",
            changed((
                "id", "public_id", "case_id", "other_id", "kind", "reason", "related_by_id",
                "related_at",
            ))
            + " OR (OLD.ended_at IS NOT NULL AND "
            + changed(("ended_at", "ended_by_id", "ended_reason"))
            + f") OR (OLD.merge_reason <> '' AND {changed(('merge_reason',))})",
            "a relation stays as it was said",
        ),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
        Guard(
            "case_merged_by_a_second_person", "cases_case", "UPDATE",
            "NEW.state = 'merged' AND OLD.state <> 'merged'"
            f" AND (NOT {said} OR NEW.merged_by_id = OLD.submitted_by_id)",
            "a second person merges what somebody else called the same matter",
        ),
        Guard(
            "case_stays_merged", "cases_case", "UPDATE",
            f"OLD.merged_into_id IS NOT NULL AND {changed(('merged_into_id', 'merged_by_id'))}",
            "a merged case stays where it went",
        ),
        never_replaced(table, ("public_id",)),
    ]  # fmt: skip


def is_held(case: str) -> str:
    """Whether a hold stands on this case, or on one that it was merged into, by however many."""
    return (
        f"EXISTS (WITH RECURSIVE kept(id) AS (SELECT {case} UNION SELECT c.merged_into_id"
        " FROM cases_case c JOIN kept k ON k.id = c.id WHERE c.merged_into_id IS NOT NULL)"
        " SELECT 1 FROM cases_legalhold h JOIN kept k ON k.id = h.case_id"
        " WHERE h.cleared_at IS NULL)"
    )


def legal_holds() -> list[Guard]:
    """A hold stays as it was set, is lifted once, and beats every deletion in its case."""
    table = "cases_legalhold"
    own = f"EXISTS (SELECT 1 FROM {table} h WHERE h.case_id = NEW.id AND h.cleared_at IS NULL)"
    message = "a legal hold stands on this case"
    return [
        Guard(
            f"{table}_content", table, "UPDATE",
            changed(("id", "public_id", "case_id", "reason", "set_by_id", "set_at"))
            + " OR (OLD.cleared_at IS NOT NULL AND "
            + changed(("cleared_by_id", "cleared_at", "cleared_reason")) + ")",
            "a legal hold stays as it was set",
        ),
        Guard(f"{table}_undeleted", table, "DELETE", "1 = 1", f"{table} is kept"),
        never_replaced(table, ("public_id",)),
        Guard(
            "case_hold_lifted", "cases_case", "UPDATE",
            f"OLD.legal_hold AND NOT NEW.legal_hold AND {own}", message,
        ),
        Guard("case_under_hold", "cases_case", "DELETE", is_held("OLD.id"), message),
        *(
            Guard(
                f"{part}_under_hold", f"cases_{part}", "DELETE", is_held("OLD.case_id"), message,
            )
            for part in OF_A_CASE
            if part not in ("inboxclaim", "legalhold")  # who works on what is no evidence
        ),
    ]  # fmt: skip


def casework() -> list[Guard]:
    """Operations, tasks, notes, exhibits and their custody, broken glass."""
    exhibit, custody = "cases_evidence", "cases_custodyevent"
    last = f"FROM {custody} WHERE evidence_id = NEW.evidence_id ORDER BY seq DESC LIMIT 1"
    return [
        *state_table("cases_operation", states.OperationState.PLANNED, states.OPERATION),
        *state_table("cases_task", states.TaskState.OPEN, states.TASK),
        *append_only("cases_noterevision", ("note_id", "number")),
        *append_only("cases_emergencyaccess", ("public_id",)),
        *append_only("cases_emergencylook", ("emergency_id", "user_id")),
        *self_lookups(),
        *_warnings(),
        *proposal(
            "cases_approvalpolicy",
            ("action", "amount_over", "min_approvals", "roles", "expires_after"), "a policy",
        ),
        *proposal(
            "cases_clockrule",
            ("act", "country", "agency_id", "length", "unit", "warn_hours", "source",
             "is_verified", "valid_from"),
            "a clock",
        ),
        *officers(),
        *proposal(
            "cases_legalrow",
            ("instrument", "country", "datasets", "note", "source", "is_verified"),
            "a row of the legal matrix",
        ),
        *_deliveries(),
        *_relations(),
        *append_only("cases_legacycase", ("case_id",), ("system", "number")),
        *state_table(exhibit, states.EvidenceState.ACQUIRED, states.EVIDENCE),
        Guard(
            f"{exhibit}_content", exhibit, "UPDATE",
            changed((
                "public_id", "case_id", "number", "kind", "title", "original_name", "mime", "size",
                "sha256", "sha512", "source", "source_grade", "information_grade",
                "acquired_by_id", "acquired_at", "tlp", "handling_code", "handling_text",
                "derived_from_id", "redaction_of_id",
            )),
            "an exhibit is never edited",
        ),
        Guard(
            "exhibit_origin_in_its_case", exhibit, "INSERT",
            "COALESCE(NEW.derived_from_id, NEW.redaction_of_id) IS NOT NULL AND NOT EXISTS"
            f" (SELECT 1 FROM {exhibit} o WHERE o.case_id = NEW.case_id"
            " AND o.id = COALESCE(NEW.derived_from_id, NEW.redaction_of_id))",
            "an exhibit is made from one of its own case",
        ),
        Guard(
            "disposal_under_hold", exhibit, "UPDATE",
            f"NEW.state = 'disposed' AND OLD.state <> 'disposed' AND {is_held('NEW.case_id')}",
            "a legal hold stands on this case",
        ),
        Guard(
            "evidence_disposer", exhibit, "UPDATE",
            f"OLD.disposed_by_id IS NOT NULL AND {changed(('disposed_by_id', 'disposed_at'))}",
            "who disposed of an exhibit stays",
        ),
        *legal_holds(),
        Guard(f"{exhibit}_undeleted", exhibit, "DELETE", "1 = 1", "an exhibit is never deleted"),
        *append_only(custody, ("evidence_id", "seq")),
        Guard(
            "custody_chain", custody, "INSERT",
            f"NEW.seq <> COALESCE((SELECT seq {last}), 0) + 1"
            f" OR NEW.prev_hash <> COALESCE((SELECT hash {last}), '{'0' * 64}')",
            "a custody event must continue its chain",
        ),
    ]  # fmt: skip
