"""The guards of information requests: what was asked stays, and a second person answers."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package, states.py or the lists

from cases import states
from cases.guards.shapes import Guard, append_only, changed, second_person, state_table
from cases.request_words import CHECKS, PERSONAL


def request_guards() -> list[Guard]:
    table = "cases_informationrequest"
    asked = (
        "public_id", "reference", "agency_id", "liaison_id", "recorded_by_id", "agency_ref",
        "channel", "received_at", "instrument_type", "instrument_number", "issued_by", "issued_on",
        "valid_until", "document_name", "document_sha256", "legal_basis", "offences",
        "background", "datasets", "period_from", "period_until", "urgency", "due_at",
    )  # fmt: skip
    personal = " OR ".join(f"NEW.accepted_datasets LIKE '%{name}%'" for name in sorted(PERSONAL))
    by_compliance = (
        "EXISTS (SELECT 1 FROM fiu_user u WHERE u.id = NEW.{}_id AND u.role = 'compliance')"
    )
    steps = " OR ".join(
        f"NEW.state = '{state}' AND OLD.state <> '{state}' AND NOT {by_compliance.format(who)}"
        for state, who in (("collecting", "decided_by"), ("released", "released_by"))
    )
    return [
        *state_table(table, states.RequestState.RECEIVED, states.REQUEST),
        Guard(
            "request_content", table, "UPDATE", changed(asked), "what an agency asked stays",
        ),
        Guard(
            "request_hash", table, "UPDATE",
            "NEW.content_hash <> OLD.content_hash AND OLD.content_hash <> ''"
            " AND OLD.state <> 'clarification'",
            "only an answer of the agency changes what is decided on",
        ),
        Guard(
            "request_people", table, "UPDATE",
            "(OLD.decided_by_id IS NOT NULL AND "
            + changed(("decided_by_id", "decision", "accepted_datasets", "verified_by_id"))
            + ") OR (OLD.response_id IS NOT NULL AND "
            + changed(("response_id", "released_by_id")) + ")",
            "a decision on a request stays as it was made",
        ),
        Guard(
            "request_personal", table, "UPDATE",
            f"({personal}) AND ({steps})",
            "compliance decides on personal data",
        ),
        Guard(
            "request_checked", table, "UPDATE",
            "NEW.state = 'in_review' AND OLD.state = 'verifying' AND (SELECT COUNT(*)"
            " FROM cases_requestcheck c WHERE c.request_id = NEW.id AND c.round = NEW.round)"
            f" < {len(CHECKS)}",
            "every point of the checklist comes first",
        ),
        Guard(
            "request_decider", table, "UPDATE",
            "NEW.decided_by_id <>? OLD.decided_by_id AND EXISTS (SELECT 1"
            " FROM cases_requestcheck c WHERE c.request_id = NEW.id"
            " AND c.by_id = NEW.decided_by_id)",
            "a second person decides: not one who checked",
        ),
        Guard(
            "request_response", table, "UPDATE",
            "NEW.response_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cases_sharedrelease r"
            " WHERE r.id = NEW.response_id AND r.agency_id = NEW.agency_id)",
            "an answer is a release to the agency that asked",
        ),
        Guard(
            "request_undeleted", table, "DELETE", "1 = 1", "a request is never deleted",
        ),
        *append_only("cases_requestidentifier", ("request_id", "place")),
        Guard(
            "request_identifier_added", "cases_requestidentifier", "INSERT",
            f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.request_id AND state <> 'received')",
            "what an agency asked stays",
        ),
        *append_only("cases_requestcheck", ("request_id", "round", "item")),
        *state_table("cases_outboundrequest", states.OutboundState.DRAFT, states.OUTBOUND),
        Guard(
            "outbound_content", "cases_outboundrequest", "UPDATE",
            changed((
                "public_id", "reference", "case_id", "kind", "agency_id", "recipient", "way",
                "legal_basis", "subject", "text", "due_on", "drafted_by_id", "drafted_at",
                "content_hash",
            )) + " OR (OLD.approved_by_id IS NOT NULL AND "
            + changed(("approved_by_id", "approved_at")) + ") OR (OLD.answer <> '' AND "
            + changed(("answer", "answered_at")) + ")",
            "what we ask stays as it was drafted, approved and answered",
        ),
        Guard(
            "outbound_undeleted", "cases_outboundrequest", "DELETE", "1 = 1",
            "a request to others is never deleted",
        ),
        *append_only("cases_requestmessage"),
        *state_table(
            "cases_preservation", states.PreservationState.ACTIVE, states.PRESERVATION
        ),
        Guard(
            "preservation_content", "cases_preservation", "UPDATE",
            changed(("public_id", "request_id", "accounts", "starts_at", "started_by_id"))
            + " OR NEW.until < OLD.until OR OLD.state = 'ended'",
            "what is preserved stays, and its end only moves on",
        ),
        Guard(
            "preservation_undeleted", "cases_preservation", "DELETE", "1 = 1",
            "a preservation is never deleted",
        ),
        *append_only("cases_requestdecision", ("request_id", "user_id", "content_hash", "step")),
        second_person(
            "cases_requestdecision", table, "request_id",
            "liaison_id", "recorded_by_id", "started_by_id", "verified_by_id",
        ),
    ]  # fmt: skip
