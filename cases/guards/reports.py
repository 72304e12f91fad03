"""Guards of suspicion reports: their content, their people, their answers, their end."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package or of states.py

from cases import states
from cases.guards.casework import is_held
from cases.guards.shapes import (
    Guard,
    append_only,
    changed,
    never_replaced,
    second_person,
    state_table,
)


def reports() -> list[Guard]:
    """A validated report stays, a second person approves it, and it ends only after its time."""
    table, last = "cases_suspicionreport", "FROM cases_reportevent ORDER BY seq DESC LIMIT 1"
    content = (
        "profile", "report_code", "reason", "action", "local_rate", "local_rate_source", "case_id",
        "kind", "follows_id",
    )  # fmt: skip
    subject = (
        "account_id", "first_name", "last_name", "full_name_original", "gender", "birth_on",
        "id_number", "id_type", "id_issued_on", "id_expires_on", "id_country", "nationality",
        "residence", "phone",
    )  # fmt: skip
    not_draft = f"EXISTS (SELECT 1 FROM {table} WHERE id = {{}}.report_id AND state <> 'drafting')"
    not_open = not_draft.replace("state <> 'drafting'", "state NOT IN ('drafting', 'disposed')")
    message, answer = "a validated report is edited as a draft", "cases_reportacknowledgement"
    goes = "NEW.state = 'disposed' AND OLD.state = 'disposal_requested'"
    kept = tuple(name for name in content if name not in ("reason", "action"))
    return [
        *state_table(table, states.ReportState.DRAFTING, states.REPORT),
        Guard(
            "report_content", table, "UPDATE",
            f"({changed(content)} OR CAST(NEW.indicators AS TEXT) <>? CAST(OLD.indicators AS TEXT))"
            f" AND OLD.state <> 'drafting' AND NOT ({goes} AND NEW.reason = ''"
            " AND NEW.action = '' AND CAST(NEW.indicators AS TEXT) = '[]'"
            f" AND NOT {changed(kept)})",
            message,
        ),
        Guard(
            "report_file", table, "UPDATE",
            "(NEW.content_hash <> OLD.content_hash OR NEW.file <> OLD.file)"
            " AND OLD.state NOT IN ('drafting', 'validated') AND NEW.state <> 'drafting'"
            f" AND NOT ({goes} AND NEW.file = '' AND NEW.content_hash = OLD.content_hash)",
            "the file of a reviewed report stays",
        ),
        Guard(
            "report_people", table, "UPDATE",
            "NEW.drafted_by_id <>? OLD.drafted_by_id"
            " OR (OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id <>? OLD.approved_by_id)",
            "who drafted and who approved a report stays",
        ),
        Guard("report_undeleted", table, "DELETE", "1 = 1", "a report is never deleted"),
        Guard(
            "report_disposal_under_hold", table, "UPDATE",
            f"NEW.state = 'disposed' AND OLD.state <> 'disposed' AND {is_held('NEW.case_id')}",
            "a legal hold stands on this case",
        ),
        Guard(
            "report_disposer", table, "UPDATE",
            f"OLD.disposed_by_id IS NOT NULL AND {changed(('disposed_by_id', 'disposed_at'))}",
            "who disposed of a report stays",
        ),
        *(
            Guard(f"{part}_{event.lower()}", part, event, when, message)
            for part, columns in (
                ("cases_reportsubject", subject),
                ("cases_suspicionreport_records", ("exchangerecord_id",)),
            )
            for event, when in (
                ("INSERT", _link(not_draft, part, "NEW")),
                ("UPDATE", f"{changed(columns)} AND {_link(not_draft, part, 'OLD')}"),
                ("DELETE", _link(not_open, part, "OLD")),
            )
        ),
        Guard(
            "report_answer_content", answer, "UPDATE",
            changed(("id", "public_id", "report_id", "answer", "number", "sha256",
                     "recorded_by_id", "recorded_at"))
            + " OR (NEW.file <> OLD.file OR CAST(NEW.errors AS TEXT) <>? CAST(OLD.errors AS TEXT))"
            " AND NOT (NEW.file = '' AND CAST(NEW.errors AS TEXT) = '[]' AND EXISTS"
            f" (SELECT 1 FROM {table} WHERE id = NEW.report_id AND state = 'disposed'))",
            "an answer of the receiver stays",
        ),
        Guard(f"{answer}_undeleted", answer, "DELETE", "1 = 1", f"{answer} is append-only"),
        never_replaced(answer, ("public_id",)),
        *append_only("cases_reportwall", ("report_id", "user_id")),
        *append_only("cases_reportapproval", ("report_id", "user_id", "content_hash")),
        second_person(
            "cases_reportapproval", table, "report_id", "drafted_by_id", "last_edited_by_id"
        ),
        Guard(
            "report_approval_hash", "cases_reportapproval", "INSERT",
            f"NEW.content_hash <> (SELECT content_hash FROM {table} WHERE id = NEW.report_id)",
            "an approval is of the present content",
        ),
        *append_only("cases_reportevent", ("seq",)),
        Guard(
            "report_chain", "cases_reportevent", "INSERT",
            f"NEW.seq <> COALESCE((SELECT seq {last}), 0) + 1"
            f" OR NEW.prev_hash <> COALESCE((SELECT hash {last}), '{'0' * 64}')",
            "a report event must continue its chain",
        ),
    ]  # fmt: skip


def _link(condition: str, table: str, row: str) -> str:
    """The condition on the report of a row, whatever the table calls its link."""
    link = "suspicionreport_id" if table.endswith("_records") else "report_id"
    return condition.format(row).replace(".report_id", f".{link}")
