"""Audit events told as sentences, for timelines and lists of activity."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models import AuditEvent
from cases.policy import OF_WALLS

# What begins an action's name -> icon and tone; the longest beginning wins.
LOOKS = (
    ("place_provisional", "hourglass", "warn"),
    ("approve_freeze", "snowflake", "ice"),
    ("settle_freeze", "snowflake", "ice"),
    ("confirm_line", "snowflake", "ice"),
    ("approve", "circle-check", "good"),
    ("clear", "shield-check", "good"),
    ("verify", "shield-check", "good"),
    ("ratify", "circle-check", "good"),
    ("acknowledge", "badge-check", "good"),
    ("reject", "circle-x", "bad"),
    ("withdraw", "undo-2", "bad"),
    ("fail", "triangle-alert", "bad"),
    ("refuse", "circle-x", "bad"),
    ("time_out", "circle-question-mark", "warn"),
    ("see_counter", "scale", ""),
    ("record_instrument", "gavel", ""),
    ("triage", "eye", ""),
    ("execute", "send", ""),
    ("accept", "circle-check", "good"),
    ("record_request", "file-text", ""),
    ("ask_agency", "circle-question-mark", "warn"),
    ("release_response", "send", "violet"),
    ("link_request", "file-text", ""),
    ("redact", "eye-off", ""),
    ("add_name", "user", ""),
    ("add_counter", "scale", ""),
    ("recall", "undo-2", "bad"),
    ("block", "ban", "bad"),
    ("import", "upload", ""),
    ("return", "undo-2", "warn"),
    ("cancel", "ban", ""),
    ("open", "briefcase", "accent"),
    ("queue_trace", "route", "accent"),
    ("stale_trace", "triangle-alert", "bad"),
    ("drifted_trace", "triangle-alert", "warn"),
    ("collect", "flag", "accent"),
    ("build_cohort", "users", "accent"),
    ("export_cohort", "download", "violet"),
    ("draft_referral", "landmark", "violet"),
    ("send_referral", "send", "violet"),
    ("package", "package", "violet"),
    ("share", "share-2", "violet"),
    ("link_alert", "bell", "accent"),
    ("add_wallet", "wallet", ""),
    ("add_suspect", "user", ""),
    ("link_account", "link", ""),
    ("draft_finding", "flag", ""),
    ("submit", "send", ""),
    ("request_freeze", "snowflake", ""),
    ("send", "send", ""),
    ("reveal", "eye", "warn"),
    ("edit", "pencil", ""),
    ("grant", "users", ""),
    ("extend_freeze", "clock", "ice"),
    ("request_extension", "clock", ""),
    ("request_release", "undo-2", ""),
    ("execute_release", "undo-2", "good"),
    ("close_freeze", "check", "good"),
    ("put_case", "workflow", "violet"),
    ("add_task", "circle-dot", ""),
    ("finish_task", "circle-check", "good"),
    ("drop_task", "ban", ""),
    ("add_note", "file-text", ""),
    ("acquire_evidence", "lock", "accent"),
    ("revoke_access", "users", "warn"),
    ("lift_block", "undo-2", "warn"),
    ("break_glass", "triangle-alert", "bad"),
    ("refuse_break_glass", "triangle-alert", "bad"),
    ("look_at_emergency", "eye", "good"),
    ("look_up_self", "eye", "bad"),
    ("see_self_lookup", "eye", "good"),
)

WORDS = {
    "open_case": _("Case opened"),
    "link_alert": _("Alert led to this case"),
    "assign_alert": _("Alert taken"),
    "propose_dismissal": _("Dismissal of an alert asked for"),
    "dismiss_alert": _("Alert dismissed"),
    "reopen_alert": _("Alert taken up again"),
    "raise_alerts": _("Alerts raised by the rules"),
    "edit_case": _("Case edited"),
    "start_case": _("Investigation started"),
    "submit_case": _("Case submitted for a decision"),
    "return_case": _("Case returned to the investigation"),
    "decide_case": _("Case decided"),
    "close_case": _("Case closed"),
    "reopen_case": _("Case reopened"),
    "grant_access": _("Access granted"),
    "add_wallet": _("Wallet added"),
    "add_wallets": _("Wallets added"),
    "add_suspect": _("Suspect added"),
    "add_name": _("Name added to a suspect"),
    "link_account": _("Account linked to a suspect"),
    "queue_trace": _("Trace asked for"),
    "cancel_trace": _("Trace cancelled"),
    "stale_trace": _("Trace turned stale"),
    "drifted_trace": _("Trace concludes something else today"),
    "set_lead_run": _("Leading trace chosen"),
    "build_cohort": _("Cohort built"),
    "export_cohort": _("Cohort exported"),
    "import_tags": _("Tags loaded"),
    "import_sanctions": _("Sanctions list loaded"),
    "collect_findings": _("Findings taken from a trace"),
    "draft_finding": _("Finding drafted"),
    "edit_finding": _("Finding edited"),
    "add_counter_evidence": _("Counter-evidence added"),
    "submit_finding": _("Finding submitted for review"),
    "return_finding": _("Finding returned"),
    "reject_finding": _("Finding rejected"),
    "approve_finding": _("Finding approved"),
    "withdraw_finding": _("Finding withdrawn"),
    "record_instrument": _("Legal instrument recorded"),
    "verify_instrument": _("Legal instrument verified"),
    "request_freeze": _("Freeze drafted"),
    "submit_freeze": _("Freeze submitted"),
    "triage_freeze": _("Freeze taken into review"),
    "place_provisional_freeze": _("Provisional hold placed"),
    "approve_freeze": _("Freeze approved"),
    "ratify_freeze": _("Provisional hold ratified"),
    "reject_freeze": _("Freeze rejected"),
    "cancel_freeze": _("Freeze cancelled"),
    "lapse_freeze": _("Provisional hold lapsed"),
    "execute_freeze": _("Freeze sent to the exchange"),
    "settle_freeze": _("Freeze is in force"),
    "fail_freeze": _("Freeze failed"),
    "flag_decision_due": _("Freeze needs a decision"),
    "request_extension": _("Extension of a freeze asked for"),
    "approve_extension": _("Extension of a freeze approved"),
    "reject_extension": _("Extension of a freeze rejected"),
    "extend_freeze": _("Freeze extended"),
    "request_release": _("Release of a freeze asked for"),
    "approve_release": _("Release of a freeze approved"),
    "reject_release": _("Release of a freeze rejected"),
    "execute_release": _("Release of a freeze executed"),
    "time_out_release": _("Release of a freeze without an answer"),
    "resend_release": _("Release of a freeze sent again"),
    "fail_release": _("Release of a freeze failed"),
    "close_freeze": _("Freeze closed: nothing is held any more"),
    "put_case": _("Operation of the case changed"),
    "add_task": _("Task added"),
    "finish_task": _("Task done"),
    "drop_task": _("Task dropped"),
    "take_row": _("Taken from the inbox"),
    "add_note": _("Note written"),
    "revise_note": _("Note rewritten"),
    "acquire_evidence": _("Exhibit acquired and sealed"),
    "verify_evidence": _("Exhibit verified"),
    "export_evidence": _("Exhibit exported"),
    "draft_referral": _("Referral drafted"),
    "redact_referral": _("Referral redacted"),
    "approve_referral": _("Referral approved"),
    "clear_referral": _("Referral cleared"),
    "begin_checkpoints_again": _("Audit checkpoints begun again"),
    "package_referral": _("Release sealed"),
    "send_referral": _("Release sent"),
    "recall_referral": _("Release recalled"),
    "acknowledge_referral": _("Release acknowledged"),
    "block_user": _("Person shut out of the case"),
    "revoke_access": _("Access taken back"),
    "lift_block": _("Wall lifted"),
    "break_glass": _("Opened in an emergency, without the right to see it"),
    "refuse_break_glass": _("Emergency access refused at a wall"),
    "look_at_emergency": _("Emergency access looked at"),
    "look_up_self": _("Somebody looked up the own name"),
    "see_self_lookup": _("Own name looked up: seen by compliance"),
    "seal_reads": _("Looks sealed"),
    "see_counter_evidence": _("Counter-evidence read"),
    "mark_seen": _("Counter-evidence read"),
    "send_line": _("Freeze line sent to the exchange"),
    "confirm_line": _("Held by the exchange"),
    "refuse_line": _("Refused by the exchange"),
    "time_out_line": _("No answer from the exchange"),
    "resend_line": _("Freeze line sent again"),
    "release_line": _("Released by the exchange"),
    "edit_referral": _("Referral edited"),
    "return_referral": _("Referral returned"),
    "acknowledge_release": _("Release acknowledged"),
    "recall_release": _("Release recalled"),
    "share_release": _("Release shared"),
    "supersede_release": _("Release superseded"),
    "import_exchange": _("Exchange records imported"),
    "record_request": _("Request filed"),
    "start_verification": _("Verification begun"),
    "check_request": _("A point of the checklist confirmed"),
    "verify_requester": _("Requester verified"),
    "ask_agency": _("Question to the agency"),
    "answer_agency": _("Answer of the agency"),
    "accept_request": _("Request accepted"),
    "mark_no_match": _("Replied without match"),
    "refuse_request": _("Request refused"),
    "release_response": _("Answered with a release"),
    "close_request": _("Request closed"),
    "link_request": _("Request put into the case"),
    "reveal_customer": _("Customer data looked at"),
}


@dataclass(frozen=True)
class Told:
    """One event as components/timeline.html draws it."""

    icon: str
    tone: str
    title: str
    at: datetime
    by: str
    sub: str
    hash: str
    url: str = ""


def told(event: AuditEvent) -> Told:
    """An event in words: what, by whom, with which reason. `event.actor` must be fetched."""
    icon, tone = look_of(event.action)
    actor = event.actor
    by = (actor.get_full_name() or actor.username) if actor else gettext("The system")
    # Everybody of the case reads its timeline; why a wall stands is for those who raise them.
    reason = "" if event.action in OF_WALLS else event.reason
    return Told(icon, tone, words_of(event.action), event.at, by, reason, event.hash)


def look_of(action: str) -> tuple[str, str]:
    """Icon and tone of an action."""
    found = [look for look in LOOKS if action.startswith(look[0])]
    best = max(found, key=lambda look: len(look[0]), default=("", "circle-dot", ""))
    return best[1], best[2]


def words_of(action: str) -> str:
    """The action as a short sentence; one that is not listed shows its own name."""
    return str(WORDS.get(action, action.replace("_", " ").capitalize()))
