"""The guards of officers and agencies: what two people agreed on stays."""

from cases import states
from cases.guards.shapes import Guard, changed, proposal


def officers() -> list[Guard]:
    agency, officer, alarm = "cases_agencyentry", "cases_officerentry", "cases_officeralarm"
    fixed = "OLD.{0} IS NOT NULL AND NEW.{0} <>? OLD.{0}"
    return [
        *proposal(
            agency,
            ("name", "short_name", "kind", "country", "domains", "call_back_number",
             "number_source"),
            "an agency", f" OR ({fixed.format('agency_id')})",
        ),
        *proposal(
            officer,
            ("agency_id", "username", "first_name", "last_name", "position", "badge_no", "email",
             "domain_verdict", "authority_name", "authority_sha256", "known_by_id",
             "called_number", "number_source", "called_at", "spoke_with", "valid_until"),
            "an officer",
            f" OR ({fixed.format('user_id')}) OR (OLD.ended_at IS NOT NULL AND "
            + changed(("ended_by_id", "ended_at", "end_reason")) + ")",
            states.OFFICER,
        ),
        Guard(
            "officer_called_back", officer, "INSERT",
            "NOT EXISTS (SELECT 1 FROM cases_agencyentry a WHERE a.id = NEW.known_by_id"
            " AND a.state = 'in_force' AND a.agency_id = NEW.agency_id"
            " AND a.call_back_number = NEW.called_number)",
            "the number that is called was known before, by two people",
        ),
        Guard(
            f"{alarm}_content", alarm, "UPDATE",
            changed(("public_id", "user_id", "kind", "day", "raised_at"))
            + " OR OLD.seen_by_id IS NOT NULL",
            "what an alarm says stays, and what was said of it",
        ),
        Guard(f"{alarm}_undeleted", alarm, "DELETE", "1 = 1", "an alarm is never deleted"),
    ]  # fmt: skip
