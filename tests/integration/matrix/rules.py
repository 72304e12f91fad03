"""The reviewed table: one rule for every route, saying who gets what by which method.

A route that is not here fails the matrix, and so does a rule without its route. Read a rule as:
at which door the route stands, for whom it exists, and what those people get. To everybody else
who is signed in there it does not exist; a stranger is asked to sign in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.casework import BTC

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# --- Who asks. The case is sealed; the world of tests/integration/matrix/world.py names them. ---

MEMBERS = ("analyst_member", "analyst_reader", "supervisor_member", "compliance")
SHUT_OUT = (
    "analyst_outsider", "analyst_blocked", "analyst_expired", "supervisor_outsider",
    "compliance_blocked",
)  # fmt: skip
CASEWORKERS = (*MEMBERS, *SHUT_OUT)
OVERSEERS = ("auditor", "admin")
OFFICERS = (
    "liaison_granted", "liaison_same_agency", "liaison_revoked", "liaison_expired",
    "liaison_other_agency",
)  # fmt: skip
# Their agency filed the request of the case; a grant that ended changes nothing of that.
ASKING_AGENCY = OFFICERS[:-1]
# With the right person's session in the cookie of the wrong door.
STRAYED = ("liaison_at_the_house", "analyst_at_the_liaisons")
WITHOUT_FACTOR = ("without_factor", "liaison_without_factor")
FACTOR_NOT_SHOWN = ("factor_not_shown",)
STRANGERS = ("deactivated", "anonymous")
PRINCIPALS = (
    *CASEWORKERS, *OVERSEERS, *OFFICERS, *STRAYED, *WITHOUT_FACTOR, *FACTOR_NOT_SHOWN, *STRANGERS,
)  # fmt: skip

# Everybody asks by GET and POST where the route takes them. HEAD is GET without its body, and a
# method that a route does not take is refused before anybody is looked at: by these one person of
# each door asks, and a stranger.
ASK_BY_ALL = ("analyst_outsider", "liaison_granted", "anonymous")
# Everybody whose answer at a sign-in page, or at the door for programs, is another one.
ASK_AT_SIGN_IN = (
    *ASK_BY_ALL, "analyst_member", "admin", "liaison_other_agency", "without_factor",
    "liaison_at_the_house", "supervisor_outsider", "compliance_blocked", "auditor",
    "analyst_at_the_liaisons", "liaison_without_factor", *FACTOR_NOT_SHOWN, "deactivated",
)  # fmt: skip

# Whose session each door reads; everybody else is a stranger there.
AT_THE_DOOR: Mapping[str, tuple[str, ...]] = {
    "house": (
        *CASEWORKERS, *OVERSEERS, "liaison_at_the_house", "without_factor", "factor_not_shown",
    ),
    "liaison": (*OFFICERS, "analyst_at_the_liaisons", "liaison_without_factor"),
    "sign-in": tuple(name for name in PRINCIPALS if name not in STRANGERS),
    # The session of the house alone; the second factor is told of in words, not led to.
    "api": (*CASEWORKERS, *OVERSEERS, "liaison_at_the_house", "without_factor", "factor_not_shown"),
    "open": (),
}  # fmt: skip

# --- What they get: a status, and for a redirect where to. ---

SIGN_IN = "302 /accounts/login/"
SET_UP_FACTOR = "302 /accounts/2fa/totp/activate/"
SHOW_FACTOR = "302 /accounts/2fa/reauthenticate/"
PASSWORD_AGAIN = "302 /accounts/reauthenticate/"
HOME = "302 home"
ANYWHERE = "302"


@dataclass(frozen=True)
class Rule:
    """One route. `answers` is by method; a method that is not there is 405 to everybody.

    `differs` says who of those who see it gets another answer. `in_any_case` are answers of
    sign-in pages to people before or between their factors, and to strangers.
    """

    door: str
    sees: tuple[str, ...]
    answers: Mapping[str, str]
    differs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    query: str = ""
    # What those who see it may write by asking; everybody else writes nothing.
    writes: frozenset[str] = frozenset()
    unproven: str = ""  # "as-proven", or another answer than the way to the factor
    strangers: Mapping[str, str] | None = None
    roles: tuple[str, ...] = ()  # at the door for programs: for whom the route itself exists

    def is_asked(self, method: str, principal: str) -> bool:
        """Whether this cell is asked for; see ASK_BY_ALL."""
        if self.door == "api":
            if method not in self.answers or method == "HEAD":
                one = principal in ("admin", "anonymous") and method == "DELETE"
                return one or principal == "analyst_member"
            return principal in (*ASK_AT_SIGN_IN, *MEMBERS)
        if method == "PATCH":
            # Only programs send it; sign-in pages by allauth take what they take.
            return principal == "analyst_member" and self.door != "sign-in"
        if method in ("GET", "POST") and method in self.answers:
            return self.door in ("house", "liaison") or principal in ASK_AT_SIGN_IN
        return principal in ASK_BY_ALL

    def expected(self, method: str, principal: str) -> str:
        """The answer that this person must get."""
        if self.door == "open":
            return self.answers.get(method, "405")
        if self.door == "api":
            return self._expected_by_programs(method, principal)
        if principal not in AT_THE_DOOR[self.door]:
            if self.strangers is not None:
                return self.strangers.get(method, "405")
            return SIGN_IN if method in self.answers else "405"
        if principal in (*WITHOUT_FACTOR, *FACTOR_NOT_SHOWN) and self.unproven != "as-proven":
            if self.unproven:
                return self.unproven
            return SET_UP_FACTOR if principal in WITHOUT_FACTOR else SHOW_FACTOR
        if method not in self.answers:
            return "405"
        if principal not in self.sees:
            return "404"
        return self.differs.get(principal, {}).get(method, self.answers[method])

    def _expected_by_programs(self, method: str, principal: str) -> str:
        """Who may pass comes first, then the method, then the row."""
        if principal not in AT_THE_DOOR["api"]:
            return "401"
        if principal in (*WITHOUT_FACTOR, *FACTOR_NOT_SHOWN):
            return "403"
        if principal not in self.roles:
            return "404"
        if method not in self.answers:
            return "405"
        if principal not in self.sees:
            return "404"
        return self.differs.get(principal, {}).get(method, self.answers[method])


def _answers(read: str = "", write: str = "") -> dict[str, str]:
    answers = {"GET": read, "HEAD": read} if read else {}
    return answers | ({"POST": write} if write else {})


def case(
    read: str = "", write: str = "", differs: Mapping[str, str] | None = None,
    query: str = "", writes: Iterable[str] = (),
) -> Rule:  # fmt: skip
    """Of the sealed case: exists for those who may see it. `differs` is for the writing.

    To open one of its pages is kept as a look (H4).
    """
    others = {name: {"POST": answer} for name, answer in (differs or {}).items()}
    return Rule("house", MEMBERS, _answers(read, write), others, query, LOOKED | set(writes))


def report(read: str = "", write: str = "", writes: Iterable[str] = ()) -> Rule:
    """Of the sealed case, and only for those who may see suspicion reports."""
    return Rule("house", ("compliance",), _answers(read, write), writes=frozenset(writes))


def form() -> Rule:
    """A form of the sealed case; an empty one comes back with what is missing."""
    return case("200", "422")


def unit(read: str = "", write: str = "", writes: Iterable[str] = ()) -> Rule:
    """For everybody who works on cases; what it lists is filtered."""
    return Rule("house", CASEWORKERS, _answers(read, write), writes=frozenset(writes))


def officers(
    read: str = "", write: str = "", only: tuple[str, ...] = OFFICERS, writes: Iterable[str] = ()
) -> Rule:
    """At the liaisons' door."""
    return Rule("liaison", only, _answers(read, write), writes=frozenset(writes))


def own(
    post: str, put: str = "", delete: str = "405", options: str = "200", get: str = "200",
    unproven: str = "", strangers: Mapping[str, str] | None = None, writes: Iterable[str] = (),
) -> Rule:  # fmt: skip
    """A sign-in page about oneself, by allauth: a form takes PUT as it takes POST."""
    answers = {
        "GET": get, "HEAD": get, "POST": post, "PUT": put or post, "DELETE": delete,
        "OPTIONS": options,
    }  # fmt: skip
    everybody = AT_THE_DOOR["sign-in"]
    if strangers is None:
        strangers = dict.fromkeys(METHODS, SIGN_IN)
    written = frozenset(writes)
    return Rule(
        "sign-in", everybody, answers, writes=written, unproven=unproven, strangers=strangers
    )


def always(answer: str, unproven: str = "", **others: str) -> Rule:
    """A sign-in page that answers every method alike."""
    return own(answer, answer, answer, answer, answer, unproven=unproven, **others)  # type: ignore[arg-type]


def nothing() -> Rule:
    """An address that allauth names and this installation does not have."""
    return Rule(
        "sign-in", AT_THE_DOOR["sign-in"], dict.fromkeys(METHODS, "404"),
        strangers=dict.fromkeys(METHODS, "404"),
    )  # fmt: skip


OF_THE_MEMBER = ("analyst_member", "analyst_at_the_liaisons")  # the same person
TOKEN_HOLDERS = (*CASEWORKERS, *OVERSEERS, "analyst_at_the_liaisons")
REFUSED_READER = {"analyst_reader": "403"}
NOTHING_WAITS = {"analyst_reader": "404"}  # a row of a case that one may only read
DECIDED = ("cases_auditevent", "cases_case")
LOOKED = frozenset({"cases_readevent"})
READ = ("cases_readevent", "cases_sharegrant")
FACTOR = ("mfa_authenticator", "fiu_accountnotice")


def program(
    read: str = "", write: str = "", patch: str = "", *,
    sees: tuple[str, ...] = MEMBERS, roles: tuple[str, ...] = CASEWORKERS,
    differs: Mapping[str, str] | None = None, writes: Iterable[str] = (), query: str = "",
) -> Rule:  # fmt: skip
    """At the door for programs, of the sealed case. POST and PATCH send an empty object.

    To read one of its rows is kept as a look (H4).
    """
    answers = _answers(read, write) | ({"PATCH": patch} if patch else {})
    others = {name: {"POST": answer} for name, answer in (differs or {}).items()}
    return Rule("api", sees, answers, others, query, LOOKED | set(writes), roles=roles)


def everywhere(read: str = "", write: str = "") -> Rule:
    """At the door for programs, over all cases: what it lists is filtered."""
    return program(read, write, sees=CASEWORKERS)


def body() -> Rule:
    """A write that asks for something: an empty object is refused before anybody is judged."""
    return program(write="400")


REPORT_ROLES = ("compliance", "compliance_blocked")


OFFICE = REPORT_ROLES  # compliance, whatever case one of them is walled off from


def report_program(read: str = "", write: str = "", patch: str = "", **more: Any) -> Rule:
    """Only for those who may see suspicion reports; by role that is compliance."""
    return program(
        read, write, patch, sees=("compliance",), roles=REPORT_ROLES,
        **more,
    )  # fmt: skip


def changes(*tables: str) -> list[str]:
    return [*DECIDED, *tables]


NOT_THE_SENIORS = {"supervisor_member": "403", "compliance": "403"}
NOT_THE_ANALYST = REFUSED_READER | {"analyst_member": "403"}
SENIORS = ("supervisor_member", "supervisor_outsider", "compliance", "compliance_blocked")
PROPOSERS = (*SENIORS, "admin")  # of settings: only compliance decides
READERS_OF_RULES = (*CASEWORKERS, "admin")
EVERYBODY = (*CASEWORKERS, *OVERSEERS)
LOOKUP_READERS = ("compliance", "compliance_blocked", "auditor")

# The door for programs: the same rows, the same services, the same answers as at the others.
PROGRAM_RULES: Mapping[str, Rule] = {
    "api_schema": program("200", sees=EVERYBODY, roles=EVERYBODY),
    "api_docs": program("200", sees=EVERYBODY, roles=EVERYBODY),
    "api_search": everywhere(write="400"),
    "api_screening": everywhere(write="400"),
    "api_tag_list": everywhere("200"),
    "api_tag_propose": body(),
    "api_tag_detail": program("200"),
    "api_tag_activate": body(),
    "api_tag_refuse": body(),
    "api_tag_dispute": body(),
    "api_tag_retract": body(),
    "api_label_list": everywhere("200"),
    "api_price_list": everywhere("200", write="400"),
    "api_separation_list": everywhere("200"),
    "api_separation_propose": body(),
    "api_separation_detail": program("200"),
    "api_separation_activate": body(),
    "api_separation_refuse": body(),
    "api_separation_dispute": body(),
    "api_separation_retract": body(),
    "api_tag_conflict_list": everywhere("200"),
    "api_tag_conflict_propose": body(),
    "api_tag_conflict_detail": program("200"),
    "api_tag_conflict_activate": body(),
    "api_tag_conflict_refuse": body(),
    "api_tag_conflict_dispute": body(),
    "api_tag_conflict_retract": body(),
    "api_address_lookup": everywhere(write="400"),
    "api_agency_list": everywhere("200"),
    "api_inbox": everywhere("200"),
    "api_inbox_take": program(
        write="200", differs=NOTHING_WAITS, writes=changes("cases_inboxclaim", "cases_task")
    ),
    "api_inbox_snooze": program(write="400", differs=NOTHING_WAITS),
    "api_inbox_assign": program(write="400", differs=NOTHING_WAITS),
    # Cases.
    "api_case_list": everywhere("200", "400"),
    "api_case_detail": program("200", patch="400"),
    "api_case_money": program("200"),
    "api_case_people": program("200"),
    "api_case_start": program(write="409", differs=REFUSED_READER),
    "api_case_submit": body(),
    "api_case_return": body(),
    "api_case_decide": body(),
    "api_case_close": body(),
    "api_case_reopen": body(),
    "api_freeze_totals": everywhere("200"),
    "api_case_pause": body(),
    "api_case_resume": body(),
    "api_case_due": body(),
    "api_case_escalate": body(),
    "api_case_answer": body(),
    # Wallets and suspects.
    "api_wallet_list": everywhere("200"),
    "api_wallet_add": body(),
    "api_wallet_detail": program("200"),
    "api_wallet_exposure": program("200"),
    # No model of wallets is in force.
    "api_wallet_score": program("404"),
    "api_wallet_tags": program("200"),
    "api_case_exposure": program("200"),
    "api_customer_exposure": program("200"),
    "api_suspect_list": everywhere("200"),
    "api_suspect_add": body(),
    "api_suspect_detail": program("200"),
    "api_suspect_name_add": body(),
    "api_suspect_account_link": body(),
    "api_suspect_account_reveal": body(),
    # Traces.
    "api_identity_list": everywhere("200"),
    "api_suspect_identity": program("200", "400"),
    "api_identity_detail": program("200"),
    "api_identity_review": body(),
    "api_identity_confirm": body(),
    "api_identity_refute": body(),
    "api_account_links": program("200"),
    "api_case_books": program("200"),
    "api_account_books": program("200"),
    "api_book_run_list": everywhere("200"),
    # What the lead run reached has no record of ours in this world.
    "api_book_run_seal": program(write="422", differs=REFUSED_READER),
    "api_book_run_detail": program("200"),
    "api_book_run_repeat": program("200"),
    "api_wallet_deconfliction": program("200", "422"),  # no other case holds the address
    "api_wallet_patterns": program("200"),
    "api_cohort_list": everywhere("200"),
    "api_cohort_build": body(),
    "api_cohort_detail": program("200"),
    "api_cohort_members": program("200"),
    "api_cohort_member_payments": program("200"),
    "api_cohort_member_reveal": body(),
    "api_cohort_export": program(
        write="200", differs=NOT_THE_ANALYST, writes=changes()
    ),
    "api_cohort_split": body(),
    "api_cohort_samples": program("200", "422", differs=REFUSED_READER),  # drawn already
    "api_cohort_sample_judge": body(),
    "api_cohort_numbers": program("200"),
    "api_trace_list": everywhere("200"),
    "api_trace_queue": body(),
    "api_trace_detail": program("200"),
    "api_trace_result": program("200"),
    "api_trace_cancel": program(
        write="409", differs=REFUSED_READER, writes=["tracing_tracerun"]
    ),
    "api_trace_lead": program(write="200", differs=REFUSED_READER),
    # Findings.
    "api_finding_list": everywhere("200"),
    "api_finding_draft": body(),
    "api_finding_detail": program("200", patch="400"),
    "api_finding_seen": program(
        write="200", differs=NOT_THE_ANALYST, writes=changes("cases_counterevidence")
    ),
    "api_finding_counter_evidence": body(),
    "api_finding_submit": program(write="409", differs=REFUSED_READER),
    "api_finding_approve": body(),
    "api_finding_return": body(),
    "api_finding_reject": body(),
    "api_finding_withdraw": body(),
    "api_finding_supersede": body(),
    # Freezes and instruments.
    "api_freeze_list": everywhere("200"),
    "api_freeze_request": body(),
    "api_freeze_candidates": program("200"),
    "api_freeze_detail": program("200"),
    "api_freeze_submit": program(write="409", differs=REFUSED_READER | NOT_THE_SENIORS),
    "api_freeze_triage": program(write="409", differs=REFUSED_READER),
    "api_freeze_cite": program(write="422", differs=REFUSED_READER),
    "api_freeze_approve": body(),
    "api_freeze_ratify": body(),
    "api_freeze_place_provisional": body(),
    "api_freeze_execute": program(write="409", differs=NOT_THE_ANALYST),
    "api_freeze_reject": body(),
    "api_freeze_cancel": body(),
    "api_extension_request": program("200", "400"),
    "api_extension_detail": program("200"),
    "api_approval_policy_list": program("200", "400", sees=PROPOSERS, roles=PROPOSERS),
    "api_webhook_list": program("200", sees=OFFICE, roles=OFFICE),
    "api_delivery_list": program("200", sees=OFFICE, roles=OFFICE),
    "api_delivery_redeliver": program(write="409", sees=OFFICE, roles=OFFICE),
    "api_case_relations": program("200", "400"),
    "api_case_merge": body(),
    "api_relation_end": body(),
    # Also for the account of the exchange core, which sees no case; an empty object sends nothing.
    "api_exchange_records": program(
        write="422", sees=(*OFFICE, "admin"), roles=(*OFFICE, "admin")
    ),
    "api_legacy_cases": program(write="400", sees=OFFICE, roles=OFFICE),
    "api_watch_list": everywhere("200", write="400"),
    "api_notice_list": everywhere("200"),
    "api_notice_read": program(
        write="200", sees=("analyst_member",),
        writes=("cases_watchnotice", "cases_idempotencykey"),
    ),
    "api_outbound_list": everywhere("200"),
    "api_outbound_draft": body(),
    "api_outbound_detail": program("200"),
    "api_outbound_approve": body(),
    "api_outbound_send": body(),
    "api_outbound_answer": body(),
    "api_outbound_end": body(),
    "api_preservation_list": everywhere("200"),
    "api_request_preserve": body(),
    "api_preservation_renew": body(),
    "api_preservation_end": body(),
    "api_agency_entry_list": program("200", "400", sees=SENIORS, roles=SENIORS),
    "api_agency_entry_detail": program("200", sees=SENIORS, roles=SENIORS),
    "api_agency_entry_approve": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_agency_entry_reject": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_officer_list": program("200", "400", sees=SENIORS, roles=SENIORS),
    "api_officer_detail": program("200", sees=SENIORS, roles=SENIORS),
    "api_officer_verify": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_officer_reject": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_officer_suspend": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_officer_alarm_list": program("200", sees=SENIORS, roles=SENIORS),
    "api_officer_alarm_see": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_legal_row_list": program("200", "400", sees=PROPOSERS, roles=PROPOSERS),
    "api_legal_row_detail": program("200", sees=PROPOSERS, roles=PROPOSERS),
    "api_legal_row_approve": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_legal_row_reject": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_clock_list": program("200", "400", sees=PROPOSERS, roles=PROPOSERS),
    "api_clock_detail": program("200", sees=PROPOSERS, roles=PROPOSERS),
    "api_clock_approve": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_clock_reject": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_approval_policy_detail": program("200", sees=PROPOSERS, roles=PROPOSERS),
    "api_approval_policy_approve": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_approval_policy_reject": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_extension_approve": body(),
    "api_extension_reject": body(),
    "api_freeze_release_request": program("200", "400"),
    "api_freeze_release_detail": program("200"),
    "api_freeze_release_approve": body(),
    "api_freeze_release_reject": body(),
    "api_seizure_request": program("200", "400"),
    "api_seizure_detail": program("200"),
    "api_seizure_confirm": body(),
    "api_seizure_approve": body(),
    "api_seizure_reject": body(),
    "api_seizure_transfer": body(),
    "api_instrument_list": everywhere("200"),
    "api_instrument_record": body(),
    "api_instrument_detail": program("200"),
    "api_instrument_verify": program(
        write="200", differs=NOT_THE_ANALYST, writes=changes("cases_legalinstrument")
    ),
    # Referrals and requests.
    "api_referral_list": everywhere("200"),
    "api_referral_draft": body(),
    "api_referral_detail": program("200", patch="400"),
    "api_referral_redactable": program("200"),
    "api_referral_officers": program("200"),
    "api_referral_copy": program(
        "200", sees=("supervisor_member", "compliance"), roles=SENIORS, writes=LOOKED
    ),
    "api_referral_redact": body(),
    "api_referral_approve": body(),
    "api_referral_clear": body(),
    "api_referral_package": program(write="409", differs=NOT_THE_ANALYST),
    "api_referral_send": body(),
    "api_referral_return": body(),
    "api_referral_recall": body(),
    "api_referral_supersede": program(
        write="201", differs=REFUSED_READER,
        writes=[
            *DECIDED, "cases_referral", "cases_referral_findings", "cases_referral_freezes",
            "cases_referencecounter", "cases_idempotencykey",
        ],
    ),
    "api_release_question_list": program("200", roles=SENIORS, sees=SENIORS),
    "api_release_question_answer": program(
        write="400", roles=SENIORS, sees=("supervisor_member", "compliance")
    ),
    "api_outcome_list": program("200", roles=SENIORS, sees=SENIORS),
    "api_release_download_list": program("200", roles=SENIORS, sees=SENIORS),
    "api_request_list": everywhere("200", "400"),
    "api_request_detail": program("200", writes=LOOKED),
    "api_request_document": program("200", writes=LOOKED),
    "api_request_start": program(
        write="200", differs=REFUSED_READER,
        writes=["cases_auditevent", "cases_informationrequest"],
    ),
    "api_request_check": body(),
    "api_request_verify": program(write="409", differs=REFUSED_READER),
    "api_request_link": body(),
    "api_request_ask": body(),
    "api_request_accept": body(),
    "api_request_no_match": body(),
    "api_request_refuse": body(),
    "api_request_release": body(),
    "api_request_close": body(),
    # Detection rules.
    "api_rule_list": program("200", sees=READERS_OF_RULES, roles=READERS_OF_RULES),
    "api_rule_detail": program("200", sees=READERS_OF_RULES, roles=READERS_OF_RULES),
    "api_rule_change": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_rule_change_detail": program("200", sees=PROPOSERS, roles=PROPOSERS),
    "api_rule_approve": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_rule_reject": program(write="400", sees=PROPOSERS, roles=PROPOSERS),
    "api_second_look_list": everywhere("200"),
    "api_second_look_agreement": everywhere("200"),
    "api_second_look_detail": everywhere("200"),
    "api_second_look_judge": everywhere(write="400"),
    "api_risk_model_list": everywhere("200"),
    "api_risk_model_detail": everywhere("200"),
    "api_risk_model_approve": program(write="400", sees=SENIORS, roles=SENIORS),
    "api_risk_model_reject": program(write="400", sees=SENIORS, roles=SENIORS),
    # Alerts and suspicion reports.
    "api_alert_list": everywhere("200"),
    "api_alert_detail": program("200"),
    "api_alert_link": program(write="409"),
    "api_alert_assign": program(write="409"),
    "api_alert_propose": body(),
    "api_alert_dismiss": body(),
    "api_alert_reopen": body(),
    "api_report_list": program("200", sees=REPORT_ROLES, roles=REPORT_ROLES),
    "api_report_answers": program(write="400", sees=REPORT_ROLES, roles=REPORT_ROLES),
    "api_report_draft": report_program(write="400"),
    "api_report_detail": report_program("200", patch="400", writes=["cases_reportevent"]),
    "api_report_subject": report_program(patch="400"),
    "api_report_download": report_program("404"),  # not approved yet
    "api_report_validate": report_program(write="422"),
    "api_report_review": report_program(write="409"),
    "api_report_return": report_program(write="400"),
    "api_report_approve": report_program(write="400"),
    "api_report_file": report_program(write="400"),
    "api_report_ask": report_program(write="400"),
    "api_report_dispose": report_program(write="400"),
    "api_report_keep": report_program(write="400"),
    "api_report_acknowledge": report_program(write="409"),
    "api_report_follow": report_program(write="400"),
    # Operations, tasks, notes and files.
    "api_operation_list": everywhere("200", "400"),
    "api_operation_detail": program("200"),
    "api_operation_cases": body(),
    "api_operation_start": body(),
    "api_operation_action_day": body(),
    "api_operation_close": body(),
    "api_operation_publish": body(),
    "api_task_list": everywhere("200"),
    "api_task_add": body(),
    "api_task_checklist": program(
        write="200", differs=REFUSED_READER, writes=changes("cases_task")
    ),
    "api_task_detail": program("200"),
    "api_task_finish": program(
        write="200", differs=REFUSED_READER, writes=changes("cases_task")
    ),
    "api_task_drop": body(),
    "api_note_list": everywhere("200"),
    "api_note_add": body(),
    "api_note_detail": program("200", patch="400"),
    "api_evidence_list": everywhere("200"),
    "api_evidence_add": program(write="415"),  # a file is no JSON
    "api_evidence_detail": program("200"),
    "api_evidence_file": program("200", writes=["cases_custodyevent"]),
    "api_evidence_verify": program(write="200", writes=changes("cases_custodyevent")),
    "api_evidence_export": body(),
    "api_evidence_hand_over": body(),
    # The audit trail.
    "api_audit_list": program("200", sees=EVERYBODY, roles=EVERYBODY),
    "api_outside_lookup_list": program("200", sees=LOOKUP_READERS, roles=LOOKUP_READERS),
    "api_audit_verify": program(
        write="200", sees=(*SENIORS, *OVERSEERS), roles=(*SENIORS, *OVERSEERS)
    ),
}  # fmt: skip

RULES: dict[str, Rule] = {
    # Open to everybody, and saying nothing.
    "healthz": Rule("open", (), _answers("200")),
    "csp_report": Rule("open", (), _answers(write="204")),
    "metrics": Rule("open", (), _answers("404")),  # the tests have set a token: no role is one
    # Sign-in and one's own factors.
    "account_login": own(
        HOME, HOME, HOME, HOME, HOME,
        strangers={"GET": "200", "HEAD": "200", "POST": "200", "PUT": "200", "OPTIONS": "200"},
    ),
    # The way to the organisation's own provider, which does not answer here, and back without a
    # state. The liaisons' cookie is not read there.
    "oidc_start": Rule(
        "house", AT_THE_DOOR["house"], {"GET": HOME}, strangers={"GET": "503"}
    ),
    "oidc_callback": Rule(
        "house", AT_THE_DOOR["house"], {"GET": "403"}, strangers={"GET": "403"}
    ),
    "oidc_logout": Rule("open", (), _answers(write="400")),  # no token of the provider
    "account_logout": own(
        SIGN_IN, "405", unproven="as-proven",
        strangers={"GET": SIGN_IN, "HEAD": SIGN_IN, "POST": SIGN_IN, "OPTIONS": "200"},
    ),
    "account_inactive": own(
        "405", "405", strangers={"GET": "200", "HEAD": "200", "OPTIONS": "200"}
    ),
    "account_reauthenticate": own("200", unproven="as-proven"),
    "account_change_password": own("200"),
    "account_set_password": always("302 /accounts/password/change/", unproven="as-proven"),
    "usersessions_list": own("302 /accounts/sessions/"),
    "sign_in_link": Rule(
        "sign-in", AT_THE_DOOR["sign-in"], {"GET": "410", "POST": "410"},
        strangers={"GET": "410", "POST": "410"},
    ),
    "api_tokens": replace(
        own("422", "405", options="405", writes=()), sees=TOKEN_HOLDERS,
        answers={"GET": "200", "HEAD": "200", "POST": "422"},
        strangers={"GET": SIGN_IN, "HEAD": SIGN_IN, "POST": SIGN_IN},
    ),
    "api_token_revoke": Rule(
        "sign-in", TOKEN_HOLDERS, _answers(write="302 /accounts/tokens/"),
        {name: {"POST": "404"} for name in TOKEN_HOLDERS if name not in OF_THE_MEMBER},
        writes=frozenset({"cases_auditevent", "fiu_apitoken"}),
        strangers={"POST": SIGN_IN},
    ),
    "account_signup": nothing(),
    "account_reset_password": nothing(),
    "account_email": nothing(),
    "mfa_index": own("405", "405"),
    "mfa_authenticate": always(HOME),
    "mfa_reauthenticate": replace(
        own("200", unproven="as-proven"),
        differs={name: dict.fromkeys(METHODS, PASSWORD_AGAIN) for name in WITHOUT_FACTOR},
    ),
    "mfa_activate_totp": always("302 /accounts/2fa/totp/deactivate/", unproven=PASSWORD_AGAIN),
    "mfa_deactivate_totp": own("302 /accounts/2fa/totp/activate/", writes=FACTOR),
    # Who has no factor may add a key, others show theirs first. The one asked for is nobody's.
    "mfa_add_webauthn": replace(
        own("200", unproven="as-proven"),
        differs={
            **{name: dict.fromkeys(METHODS, PASSWORD_AGAIN) for name in WITHOUT_FACTOR},
            **{name: dict.fromkeys(METHODS, SHOW_FACTOR) for name in FACTOR_NOT_SHOWN},
        },
    ),
    "mfa_reauthenticate_webauthn": always(PASSWORD_AGAIN, unproven="as-proven"),
    "mfa_edit_webauthn": own("404", get="404"),
    "mfa_remove_webauthn": own("404", "405", delete="404", get="404"),
    "mfa_view_recovery_codes": own("405", "405", writes=FACTOR),
    "mfa_generate_recovery_codes": own("302 /accounts/2fa/recovery-codes/", writes=FACTOR),
    # Every page's own.
    "dashboard": Rule(
        "house", AT_THE_DOOR["house"], _answers("200"),
        {
            **{name: {"GET": "302 /audit/", "HEAD": "302 /audit/"} for name in OVERSEERS},
            "liaison_at_the_house": {"GET": "302 /liaison/", "HEAD": "302 /liaison/"},
        },
    ),
    "dashboard_money": unit("200"),
    "dashboard_account": case("200", query=f"?asset={BTC}"),
    "guide_close": unit(write="302 /", writes=["fiu_user"]),
    "set_theme": unit(write="404"),  # no such theme
    "liaison_theme": officers(write="404"),
    "liaison_preferences": officers(write="404"),
    "search": unit("200", "200"),
    "tag_new": form(),
    "tag_detail": case("200"),
    "tag_activate": form(),
    "tag_refuse": form(),
    "tag_dispute": form(),
    "tag_retract": form(),
    "separation_new": form(),
    "separation_detail": case("200"),
    "separation_activate": form(),
    "separation_refuse": form(),
    "separation_dispute": form(),
    "separation_retract": form(),
    "tag_conflict_new": form(),
    "tag_conflict_detail": case("200"),
    "tag_conflict_activate": form(),
    "tag_conflict_refuse": form(),
    "tag_conflict_dispute": form(),
    "tag_conflict_retract": form(),
    "screening": unit("200", "422"),
    "label_list": unit("200"),
    "price_list": unit("200"),
    "screening_exposure": unit(write="422"),
    # The lists over all cases.
    "case_list": unit("200"),
    "case_new": unit("200", "422"),
    "wallet_list": unit("200"),
    "suspect_list": unit("200", writes=LOOKED),
    "trace_list": unit("200"),
    "finding_list": unit("200"),
    "freeze_list": unit("200"),
    "freeze_register": unit("200"),
    "referral_list": unit("200"),
    "inbox": unit("200"),
    "inbox_next": unit(write=ANYWHERE, writes=[*DECIDED, "cases_inboxclaim", "cases_task"]),
    "inbox_take": case(
        write=ANYWHERE, differs=NOTHING_WAITS,
        writes=[*DECIDED, "cases_inboxclaim", "cases_task"],
    ),
    # Without a ticked row and without a filter nothing happens; the view asked for is the member's.
    "inbox_bulk": unit(write="302 /inbox/"),
    "inbox_undo": unit(write="302 /inbox/"),
    "inbox_view_keep": unit(write="302 /inbox/"),
    "case_view_keep": unit(write="302 /cases/"),
    "inbox_view_drop": Rule(
        "house", ("analyst_member",), _answers(write="302 /inbox/"),
        writes=frozenset({"cases_auditevent", "cases_inboxview"}),
    ),
    # Operations: visible through the case.
    "operation_list": unit("200"),
    "operation_new": unit("200", "422"),
    "operation_detail": case("200"),
    "operation_join": form(),
    "operation_start": form(),
    "operation_action_day": form(),
    "operation_close": form(),
    "operation_publish": form(),
    "request_list": unit("200"),
    # The case.
    "case_detail": case("200"),
    "case_edit": form(),
    "case_start": case(write="409", differs=REFUSED_READER),  # it was started before
    "case_timeline": case("200"),
    "case_money": case("200"),
    "case_account": case("200", query=f"?asset={BTC}"),
    "case_submit": form(),
    "case_return": form(),
    "case_decide": form(),
    "case_close": form(),
    "case_reopen": form(),
    "case_hold": form(),
    "case_pause": form(),
    "case_resume": form(),
    "case_due": form(),
    "case_escalate": form(),
    "case_answer": form(),
    "case_relate": form(),
    "relation_end": form(),
    "case_merge": form(),
    "case_unhold": form(),
    # Its people. The access asked for is the reader's; walls are for those who raise them.
    "case_people": case("200"),
    "access_grant": form(),
    "access_scope": form(),
    "access_wall": form(),
    "access_revoke": form(),
    "access_lift": Rule(
        "house", ("supervisor_member", "compliance"), _answers("200", "422"), writes=LOOKED
    ),
    "case_emergency": Rule(
        "house", ("supervisor_member", "supervisor_outsider"), _answers("200", "422")
    ),
    "emergency_detail": case("200"),
    "emergency_look": case(
        write=ANYWHERE, differs=REFUSED_READER | {"supervisor_member": "403"},
        writes=[*DECIDED, "cases_emergencylook"],
    ),
    # Whoever looked up the own name in the case: for compliance.
    "self_lookup_detail": Rule("house", ("compliance",), _answers("200")),
    "self_lookup_see": Rule(
        "house", ("compliance",), _answers(write="302 /inbox/"),
        writes=frozenset({"cases_auditevent", "cases_selflookup"}),
    ),
    # How many people approve: of no case. Only compliance decides, and not on the own proposal.
    "approval_policy_list": Rule("house", PROPOSERS, _answers("200")),
    "watch_list": unit("200"),
    "watch_add": Rule(
        "house", MEMBERS, _answers(write=ANYWHERE),
        writes=frozenset({"cases_watch", "cases_auditevent"}),
    ),
    # A watch is of one person alone.
    "watch_drop": Rule(
        "house", ("analyst_member",), _answers(write="302 /watches/"),
        writes=frozenset({"cases_watch", "cases_watchnotice", "cases_auditevent"}),
    ),
    "notice_read": Rule(
        "house", ("analyst_member",), _answers(write="302 /watches/"),
        writes=frozenset({"cases_watchnotice"}),
    ),
    "webhook_list": Rule("house", OFFICE, _answers("200")),
    "delivery_redeliver": Rule(
        "house", OFFICE, _answers(write="302 /webhooks/"),
        writes=frozenset({"cases_auditevent", "cases_webhookdelivery"}),
    ),
    # Agencies and their officers.
    "officer_list": Rule("house", SENIORS, _answers("200")),
    "officer_new": Rule("house", SENIORS, _answers("200", "422")),
    "agency_new": Rule("house", SENIORS, _answers("200", "422")),
    "agency_approve": Rule("house", SENIORS, _answers("200", "422")),
    "agency_reject": Rule("house", SENIORS, _answers("200", "422")),
    "officer_approve": Rule("house", SENIORS, _answers("200", "422")),
    "officer_reject": Rule("house", SENIORS, _answers("200", "422")),
    "officer_suspend": Rule("house", SENIORS, _answers("200", "422")),
    "officer_document": Rule(
        "house", SENIORS, _answers("200"), writes=frozenset({"cases_readevent"})
    ),
    "officer_alarm_seen": Rule("house", SENIORS, _answers(write="302 /officers/")),
    # Only a verified officer who never signed in is given a link; the one here waits.
    "officer_invite": Rule("house", SENIORS, _answers(write="404")),
    "legal_list": Rule("house", PROPOSERS, _answers("200")),
    "legal_new": Rule("house", PROPOSERS, _answers("200", "422")),
    "legal_approve": Rule("house", PROPOSERS, _answers("200", "422")),
    "legal_reject": Rule("house", PROPOSERS, _answers("200", "422")),
    "clock_list": Rule("house", PROPOSERS, _answers("200")),
    "clock_new": Rule("house", PROPOSERS, _answers("200", "422")),
    "clock_approve": Rule("house", PROPOSERS, _answers("200", "422")),
    "clock_reject": Rule("house", PROPOSERS, _answers("200", "422")),
    "approval_policy_new": Rule("house", PROPOSERS, _answers("200", "422")),
    "approval_policy_approve": Rule("house", PROPOSERS, _answers("200", "422")),
    "approval_policy_reject": Rule("house", PROPOSERS, _answers("200", "422")),
    # Tasks, notes and files.
    "case_tasks": case("200"),
    "task_new": form(),
    "task_checklist": case(
        write=ANYWHERE, differs=REFUSED_READER, writes=[*DECIDED, "cases_task"]
    ),
    "task_finish": case(
        write=ANYWHERE, differs=REFUSED_READER, writes=[*DECIDED, "cases_task"]
    ),
    "task_drop": form(),
    "note_new": form(),
    "note_edit": form(),
    "case_files": case("200"),
    "evidence_new": form(),
    "evidence_detail": case("200"),
    "evidence_file": case("200", writes=["cases_custodyevent"]),
    "evidence_verify": case(write=ANYWHERE, writes=[*DECIDED, "cases_custodyevent"]),
    "evidence_export": form(),
    "evidence_hand_over": form(),
    "evidence_ask": form(),
    "evidence_dispose": form(),
    "evidence_keep": form(),
    # Wallets and suspects.
    "case_wallets": case("200"),
    "wallets_new": case("200"),
    "wallets_import": form(),
    "wallets_add": case(write="422"),
    "address_detail": case("200"),
    "address_exposure": case("200"),
    "address_score": case("200"),
    # No other case holds it: the page says so.
    "address_ask": case(write=ANYWHERE),
    "account_links": case("200"),
    # To seal: our records of the world hold nothing to follow.
    "case_books": case("200", "409", differs=REFUSED_READER),
    "account_books": case("200", "409", differs=REFUSED_READER),
    "book_run": case("200"),
    "case_exposure": case("200"),
    "customer_exposure": case("200"),
    "address_patterns": case("200"),
    # Cohorts. The one asked for was built by the member, so the seniors may export it.
    "case_cohorts": case("200"),
    "cohort_new": form(),
    "cohort_member": form(),
    "cohort_export": case(
        write="200", differs=REFUSED_READER | {"analyst_member": "403"},
        writes=["cases_auditevent", "cases_case", "cases_readevent"],
    ),
    # It was drawn by the member who built it: it is drawn once, and others judge.
    "cohort_sample": case("200"),
    "cohort_sample_draw": case(write=ANYWHERE, differs=REFUSED_READER),
    "cohort_sample_judge": case(
        write=ANYWHERE, differs=REFUSED_READER | {"analyst_member": "403"}
    ),
    "cohort_numbers": case("200"),
    "cohort_split": form(),
    "address_cluster": case("200"),
    "address_together": form(),
    "case_suspects": case("200"),
    "suspect_new": form(),
    "suspect_identity": case("200"),
    "identity_new": form(),
    "identity_detail": case("200"),
    "identity_review": form(),
    "identity_confirm": form(),
    "identity_refute": form(),
    "suspect_name_add": form(),
    "suspect_account_link": form(),
    "suspect_account_reveal": form(),
    # Traces and the money flow.
    "case_traces": case("200"),
    "trace_new": form(),
    "trace_detail": case("200"),
    "trace_ends": case("200"),
    "trace_breaks": case("200"),
    # The run is over: nothing to cancel. The update that finds no live row is not a change.
    "trace_cancel": case(write="409", differs=REFUSED_READER, writes=["tracing_tracerun"]),
    "trace_lead": case(write=ANYWHERE, differs=REFUSED_READER),
    "trace_verify": case(write=ANYWHERE),
    "case_flow": case("200"),
    "flow_inspector": case("200", query="?node={node}"),
    "flow_picture": case("200"),
    "flow_svg": case("200"),
    "flow_csv": case("200"),
    # Findings. The one asked for waits for its review; the author may not tick what is against it.
    "case_findings": case("200"),
    "finding_new": form(),
    "finding_detail": case("200"),
    "finding_edit": form(),
    "finding_against": form(),
    "finding_seen": case(
        write=ANYWHERE, differs=REFUSED_READER | {"analyst_member": "403"},
        writes=[*DECIDED, "cases_counterevidence"],
    ),
    "finding_submit": case(write=ANYWHERE, differs=REFUSED_READER),
    "finding_approve": form(),
    "finding_return": form(),
    "finding_reject": form(),
    "finding_withdraw": form(),
    "finding_supersede": form(),
    # Freezes and instruments. The freeze asked for is in review.
    "case_freezes": case("200"),
    "freeze_new": form(),
    "freeze_detail": case("200"),
    "freeze_submit": case(
        write=ANYWHERE,
        differs=REFUSED_READER | {"supervisor_member": "403", "compliance": "403"},
    ),
    "freeze_triage": case(write=ANYWHERE, differs=REFUSED_READER),
    "freeze_cite": form(),
    "freeze_approve": form(),
    "freeze_ratify": form(),
    "freeze_place_provisional": form(),
    "freeze_execute": form(),
    "freeze_reject": form(),
    "freeze_cancel": form(),
    "freeze_line": case("200"),
    "freeze_extend": form(),
    "freeze_release": form(),
    "extension_approve": form(),
    "extension_reject": form(),
    "freeze_release_approve": form(),
    "freeze_release_reject": form(),
    "freeze_seize": form(),
    "seizure_confirm": form(),
    "seizure_approve": form(),
    "seizure_reject": form(),
    "seizure_transfer": form(),
    "instrument_new": form(),
    "instrument_verify": form(),
    # Referrals. The one asked for was sent.
    "case_referrals": case("200"),
    "referral_new": form(),
    "referral_detail": case("200"),
    "referral_edit": form(),
    "referral_redact": case(write="422", differs=REFUSED_READER),
    "referral_approve": form(),
    "referral_clear": form(),
    "referral_package": form(),
    "referral_send": form(),
    "referral_return": form(),
    "referral_recall": form(),
    "question_detail": form(),
    "referral_supersede": case(
        write=ANYWHERE, differs=REFUSED_READER,
        writes=[
            *DECIDED, "cases_referral", "cases_referral_findings", "cases_referral_freezes",
            "cases_referencecounter",
        ],
    ),
    "request_no_matches": Rule("house", SENIORS, _answers("200", "422")),
    "request_import": unit("200", "422"),
    "referral_copy": Rule(
        "house", ("supervisor_member", "compliance"), _answers("200"), writes=LOOKED
    ),
    # Requests. The one asked for stands in the case and was not taken up yet.
    "request_detail": case("200", writes=LOOKED),
    "request_start": case(
        write=ANYWHERE, differs=REFUSED_READER,
        writes=["cases_auditevent", "cases_informationrequest"],
    ),
    "request_check": case(write=ANYWHERE, differs=REFUSED_READER),
    "request_verify": case(write="409", differs=REFUSED_READER),
    "request_link": case(write=ANYWHERE),  # no case was chosen
    "request_document": case("200", writes=LOOKED),
    "request_accept": form(),
    "request_release": form(),
    "request_no_match": form(),
    "request_ask": form(),
    "request_refuse": form(),
    "request_close": form(),
    # What we asked others of the case: drafted, not approved.
    "outbound_new": form(),
    "outbound_detail": case("200"),
    "outbound_approve": form(),
    "outbound_send": form(),
    "outbound_answer": form(),
    "outbound_end": form(),
    # Nothing may be preserved before the request is taken up; the one here was not.
    "preservation_start": form(),
    "preservation_renew": case("404", "404"),
    "preservation_end": case("404", "404"),
    # Alerts. The one asked for was led to the sealed case.
    "second_look_list": unit("200"),
    "second_look_detail": unit("200", "422"),
    "risk_model_list": unit("200"),
    "risk_model_detail": unit("200"),
    "risk_model_approve": Rule("house", SENIORS, _answers("200", "422")),
    "risk_model_reject": Rule("house", SENIORS, _answers("200", "422")),
    "settings_list": Rule("house", READERS_OF_RULES, _answers("200")),
    "rule_list": Rule("house", READERS_OF_RULES, _answers("200")),
    "rule_detail": Rule("house", READERS_OF_RULES, _answers("200")),
    "rule_change": Rule("house", PROPOSERS, _answers("200", "422")),
    "rule_approve": Rule("house", PROPOSERS, _answers("200", "422")),
    "rule_reject": Rule("house", PROPOSERS, _answers("200", "422")),
    "alert_list": unit("200"),
    "alert_detail": case("200"),
    "alert_assign": case(write="409"),
    "alert_link": case(write="409"),
    "alert_propose": form(),
    "alert_dismiss": form(),
    "alert_reopen": form(),
    # Suspicion reports: without the personal right they do not exist, and by role only compliance
    # has it. The one asked for is a draft of the sealed case.
    "report_list": Rule("house", ("compliance", "compliance_blocked"), _answers("200")),
    "report_answers": Rule("house", ("compliance", "compliance_blocked"), _answers("200", "422")),
    "case_reports": report("200"),
    "report_new": report("200", "422"),
    "report_detail": report("200", writes=["cases_reportevent"]),
    "report_edit": report("200", "422"),
    "report_subject": report("200", "422"),
    "report_validate": report(write=ANYWHERE),
    "report_review": report(write=ANYWHERE),
    "report_return": report("200", "422"),
    "report_approve": report("200", "422"),
    "report_file": report("200", "422"),
    "report_ask": report("200", "422"),
    "report_dispose": report("200", "422"),
    "report_keep": report("200", "422"),
    "report_acknowledge": report("200", "422"),
    "report_follow": report(write=ANYWHERE),
    "report_download": Rule("house", (), _answers("404")),
    # The audit trail: rows by case, the auditor every chain without its texts, the admin none.
    "audit_list": Rule("house", (*CASEWORKERS, *OVERSEERS), _answers("200")),
    "audit_verify": Rule(
        "house",
        (
            "supervisor_member", "supervisor_outsider", "compliance", "compliance_blocked",
            *OVERSEERS,
        ),
        _answers(write="200"),
    ),
    "outside_lookup_list": Rule("house", LOOKUP_READERS, _answers("200")),
    # The liaisons' door.
    "liaison_releases": officers("200"),
    "liaison_release": officers("200", only=("liaison_granted",), writes=READ),
    "liaison_download": officers(
        "200", only=("liaison_granted",), writes=[*READ, "cases_releasedownload"]
    ),
    "liaison_outcome": officers(write="422", only=("liaison_granted",), writes=READ),
    "liaison_ask": officers(write="422", only=("liaison_granted",), writes=READ),
    "liaison_downloads": officers("200"),
    "liaison_messages": officers("200"),
    "liaison_requests": officers("200"),
    "liaison_request_new": officers("200", "422"),
    "liaison_identifiers": officers(write="200"),
    "liaison_request": officers("200", only=ASKING_AGENCY, writes=LOOKED),
    "liaison_request_answer": officers(write="422", only=ASKING_AGENCY, writes=LOOKED),
    "liaison_acknowledge": officers(
        write=ANYWHERE, only=("liaison_granted",),
        writes=[*DECIDED, "cases_referral", "cases_sharegrant"],
    ),
}  # fmt: skip

RULES |= PROGRAM_RULES
