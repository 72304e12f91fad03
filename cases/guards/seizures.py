"""Guards of seizures: two keys of two people, the address called back, no unit promised twice."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package or of states.py

from cases import states
from cases.guards.shapes import Guard, append_only, changed, second_person, state_table

TABLE, LINES, KEYS = "cases_seizure", "cases_seizureline", "cases_seizureapproval"
OPEN = ", ".join(f"'{state}'" for state in states.OPEN_SEIZURE_STATES)


def seizures() -> list[Guard]:
    """What was asked for stays; it is executed by two signatures under a verified order."""
    kept = (
        "freeze_id", "number", "reason", "instrument_id", "requested_by_id", "agency_id",
        "destination",
    )  # fmt: skip
    return [
        *state_table(TABLE, states.SeizureState.REQUESTED, states.SEIZURE),
        Guard(f"{TABLE}_content", TABLE, "UPDATE", changed(kept), "a seizure stays as asked"),
        Guard(
            "seizure_hash", TABLE, "UPDATE",
            "NEW.content_hash <> OLD.content_hash AND OLD.content_hash <> ''",
            "the hash of a seizure stays",
        ),
        Guard(
            "seizure_people", TABLE, "UPDATE",
            "(OLD.decided_by_id IS NOT NULL AND NEW.decided_by_id <>? OLD.decided_by_id)"
            " OR (OLD.confirmed_by_id IS NOT NULL"
            f" AND {changed(('confirmed_by_id', 'confirmed_at', 'confirmed_how'))})",
            "who decided and who called back stays",
        ),
        Guard(
            "seizure_keys", TABLE, "UPDATE",
            "OLD.state = 'requested' AND NEW.state = 'approved'"
            f" AND (SELECT COUNT(DISTINCT k.user_id) FROM {KEYS} k"
            " WHERE k.seizure_id = NEW.id AND k.decision = 'approve'"
            " AND k.content_hash = NEW.content_hash) < 2",
            "a seizure takes two keys",
        ),
        Guard(
            "seizure_order", TABLE, "UPDATE",
            "OLD.state = 'requested' AND NEW.state = 'approved'"
            " AND NOT EXISTS (SELECT 1 FROM cases_legalinstrument i"
            " WHERE i.id = NEW.instrument_id AND i.verified_at IS NOT NULL)",
            "a seizure rests on a verified instrument",
        ),
        Guard(f"{TABLE}_undeleted", TABLE, "DELETE", "1 = 1", f"{TABLE} is kept"),
        Guard(
            "seizure_beside_release", TABLE, "INSERT",
            "EXISTS (SELECT 1 FROM cases_freezerelease WHERE freeze_id = NEW.freeze_id"
            " AND state IN ('requested', 'approved', 'unknown'))",
            "a release of this freeze is open",
        ),
        Guard(
            "release_beside_seizure", "cases_freezerelease", "INSERT",
            f"EXISTS (SELECT 1 FROM {TABLE} WHERE freeze_id = NEW.freeze_id"
            f" AND state IN ({OPEN}))",
            "a seizure of this freeze is open",
        ),
        *append_only(KEYS, ("seizure_id", "user_id", "content_hash")),
        second_person(KEYS, TABLE, "seizure_id", "requested_by_id"),
        Guard(
            f"{KEYS}_hash", KEYS, "INSERT",
            f"NEW.content_hash <> (SELECT content_hash FROM {TABLE} WHERE id = NEW.seizure_id)",
            "an approval is of the present content",
        ),
        Guard(
            f"{LINES}_content", LINES, "UPDATE",
            changed(("id", "seizure_id", "line_id", "amount"))
            + " OR NEW.seized < OLD.seized OR NEW.transferred < OLD.transferred",
            "a seizure keeps its lines",
        ),
        Guard(f"{LINES}_undeleted", LINES, "DELETE", "1 = 1", f"{LINES} is kept"),
        Guard(
            f"{LINES}_late", LINES, "INSERT",
            f"EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.seizure_id AND content_hash <> '')",
            "a seizure keeps its lines",
        ),
        # Zero-padded text cannot be added in SQLite: there the service adds, a command checks.
        Guard(
            "freeze_line_sum", "cases_freezeline", "UPDATE",
            "NEW.released + NEW.seized > NEW.executed",
            "a line gives no more than it holds",
            is_postgresql_only=True,
        ),
    ]  # fmt: skip
