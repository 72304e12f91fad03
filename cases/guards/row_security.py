"""Row-level security of PostgreSQL (FIU_RLS=1): a query that forgot its filter reads nothing more.

The rows that `visible_to` would leave out do not exist for the statement, whoever wrote it. For
whom a statement is made stands in two settings that the cursor sends along, without which no row of
these tables is there (fiu/postgresql/base.py). Whoever can send SQL of his own can send those, too:
this wall is against our own mistakes.

It repeats cases/policy.py more coarsely, never more narrowly: it knows who may see a row, not who
may change it. A condition looks at other tables through their own policies: at the case itself in
the statement, at everything further away by a function, whose plan a connection keeps. PostgreSQL
would plan all policies on the way anew for each statement, and takes up to ten milliseconds for it.

The owner's functions look past policies, where these would ask each other in a circle or where a
rule is about rows that the actor must not see.
"""

# ruff: noqa: S608  # every name in this SQL is a constant of this module

import hashlib
from collections.abc import Mapping

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cases.states import LIVE_LINE_STATES, ReleaseState

NAME = "wall"
ROLE = "(SELECT current_setting('fiu.role', true))"
ME = "(SELECT NULLIF(current_setting('fiu.person', true), '')::bigint)"
IS_SYSTEM = f"{ROLE} = 'system'"
WORKS = f"{ROLE} IN ('analyst', 'supervisor', 'compliance')"
LIAISON = f"{ROLE} = 'liaison'"

_SHARED = (
    "FROM cases_sharegrant g JOIN cases_sharedrelease s ON s.id = g.release_id"
    " JOIN cases_referral r ON r.id = s.referral_id"
    " WHERE g.liaison_id = NULLIF(current_setting('fiu.person', true), '')::bigint"
    f" AND g.revoked_at IS NULL AND s.state = '{ReleaseState.SHARED.value}'"
)
# The owner's: name to what it is given and gives, and its body.
FUNCTIONS: Mapping[str, tuple[str, str]] = {
    "wall_shares_case": (
        "(bigint) RETURNS boolean", f"SELECT EXISTS (SELECT {_SHARED} AND r.case_id = $1)",
    ),
    "wall_shares_referral": (
        "(bigint) RETURNS boolean", f"SELECT EXISTS (SELECT {_SHARED} AND r.id = $1)",
    ),
    # A conflict of interest with one of its cases hides a whole operation.
    "wall_blocks_operation": (
        "(bigint) RETURNS boolean",
        "SELECT EXISTS (SELECT FROM cases_caseblock b JOIN cases_case c ON c.id = b.case_id"
        " WHERE c.operation_id = $1"
        " AND b.user_id = NULLIF(current_setting('fiu.person', true), '')::bigint)",
    ),
    "wall_case_of_alert": (
        "(bigint) RETURNS bigint", "SELECT case_id FROM cases_alert WHERE id = $1",
    ),
}  # fmt: skip


# The caller's, held by policies: whether a row is there for whom the statement is made.
SEES: dict[str, tuple[str, str]] = {
    "wall_sees_freeze_of_line": (
        "bigint",
        "SELECT FROM {home}.cases_freezeline l JOIN {home}.cases_freezerequest w"
        " ON w.id = l.freeze_id WHERE l.id = $1",
    ),
    "wall_sees_request_named": (
        "varchar", "SELECT FROM {home}.cases_informationrequest w WHERE w.reference = $1",
    ),
    "wall_sees_operation_named": (
        "varchar", "SELECT FROM {home}.cases_operation w WHERE w.reference = $1",
    ),
}  # fmt: skip


def _through(table: str, column: str, parent: str) -> str:
    """The row of `parent` is there."""
    if parent == "cases_case":
        return f"EXISTS (SELECT FROM {parent} w WHERE w.id = {table}.{column})"
    name = parent.replace("cases_", "wall_sees_")
    SEES[name] = ("bigint", f"SELECT FROM {{home}}.{parent} w WHERE w.id = $1")
    return f"{name}({column})"


def _of_case(table: str) -> str:
    return f"{WORKS} AND {_through(table, 'case_id', 'cases_case')}"


_CASE = (
    f"{WORKS} AND ({ROLE} = 'compliance' OR visibility = 'unit' OR opened_by_id = {ME}"
    " OR EXISTS (SELECT FROM cases_caseaccess a WHERE a.case_id = cases_case.id"
    f" AND a.user_id = {ME} AND (a.expires_at IS NULL OR a.expires_at > statement_timestamp())))"
    " AND NOT EXISTS (SELECT FROM cases_caseblock b WHERE b.case_id = cases_case.id"
    f" AND b.user_id = {ME})"
    # An auditor reads of every chain which case it is of; nothing that hangs on the case.
    f" OR {ROLE} = 'auditor'"
    f" OR {LIAISON} AND wall_shares_case(id)"
)

# Tables whose rows belong to a case by their own column.
OF_A_CASE = (
    "bookrun", "caserun", "cohort", "emergencyaccess", "evidence", "finding", "freezerequest",
    "housetag", "inboxclaim", "legacycase",
    "legalhold", "legalinstrument", "note", "outboundrequest", "outboxmessage", "separation",
    "suspect",
    "tagconflict",
    "task", "wallet",
)  # fmt: skip
# Tables whose rows are there with the row they hang on: table, column, parent.
PARTS = (
    ("secondlook", "alert_id", "alert"),
    ("alert_linked_accounts", "alert_id", "alert"), ("alert_records", "alert_id", "alert"),
    ("cohortmember", "cohort_id", "cohort"), ("cohortpayment", "member_id", "cohortmember"),
    ("cohortsample", "cohort_id", "cohort"),
    ("referralmember", "referral_id", "referral"), ("sampledmember", "sample_id", "cohortsample"),
    ("counterevidence", "finding_id", "finding"), ("custodyevent", "evidence_id", "evidence"),
    ("emergencylook", "emergency_id", "emergencyaccess"),
    ("extensionapproval", "extension_id", "freezeextension"),
    ("finding_exhibits", "finding_id", "finding"),
    ("finding_suspects", "finding_id", "finding"), ("finding_wallets", "finding_id", "finding"),
    ("findingamount", "finding_id", "finding"), ("findingapproval", "finding_id", "finding"),
    ("findingversion", "finding_id", "finding"),
    ("freezeapproval", "freeze_id", "freezerequest"),
    ("freezeextension", "freeze_id", "freezerequest"),
    ("freezerelease", "freeze_id", "freezerequest"),
    ("freezereleaseapproval", "release_id", "freezerelease"),
    ("freezereleaseline", "release_id", "freezerelease"),
    ("freezewarning", "freeze_id", "freezerequest"),
    ("seizure", "freeze_id", "freezerequest"), ("seizureapproval", "seizure_id", "seizure"),
    ("seizureline", "seizure_id", "seizure"),
    ("noterevision", "note_id", "note"), ("operationpartner", "operation_id", "operation"),
    ("reachedaccount", "case_run_id", "caserun"),
    ("referral_findings", "referral_id", "referral"),
    ("referral_freezes", "referral_id", "referral"),
    ("referralapproval", "referral_id", "referral"),
    ("reportacknowledgement", "report_id", "suspicionreport"),
    ("reportapproval", "report_id", "suspicionreport"),
    ("reportevent", "report_id", "suspicionreport"),
    ("reportsubject", "report_id", "suspicionreport"),
    ("requestcheck", "request_id", "informationrequest"),
    ("requestdecision", "request_id", "informationrequest"),
    ("releasestamp", "release_id", "sharedrelease"),
    ("suspectaccount", "suspect_id", "suspect"), ("suspectname", "suspect_id", "suspect"),
    ("suspicionreport_alerts", "suspicionreport_id", "suspicionreport"),
    ("suspicionreport_records", "suspicionreport_id", "suspicionreport"),
)  # fmt: skip
# The same, where an officer of an agency has a part as well.
SHARED_PARTS = (
    ("outcome", "release_id", "sharedrelease"),
    ("releasedownload", "release_id", "sharedrelease"),
    ("releasefile", "release_id", "sharedrelease"),
    ("releasequestion", "release_id", "sharedrelease"),
    ("answerproposal", "question_id", "releasequestion"),
    ("preservation", "request_id", "informationrequest"),
    ("requestidentifier", "request_id", "informationrequest"),
    ("requestmessage", "request_id", "informationrequest"),
)

# Condition of each table, beside the installation's own work, which sees all.
POLICIES: Mapping[str, str] = {
    "cases_case": _CASE,
    **{f"cases_{name}": _of_case(f"cases_{name}") for name in OF_A_CASE},
    **{
        f"cases_{name}": f"{WORKS} AND {_through(f'cases_{name}', column, f'cases_{parent}')}"
        for name, column, parent in PARTS
    },
    # Of both its suspects, whose cases may be two.
    "cases_identitylink": f"{WORKS}"
    f" AND {_through('cases_identitylink', 'suspect_id', 'cases_suspect')}"
    f" AND {_through('cases_identitylink', 'other_id', 'cases_suspect')}",
    **{
        f"cases_{name}": _through(f"cases_{name}", column, f"cases_{parent}")
        for name, column, parent in SHARED_PARTS
    },
    # What the exchange is asked to hold is its own fact, whichever case asked (FreezeLine.live_on).
    "cases_freezeline": f"{WORKS} AND (state IN {LIVE_LINE_STATES!r}"
    f" OR {_through('cases_freezeline', 'freeze_id', 'cases_freezerequest')})",
    "cases_freezereceipt": f"{WORKS} AND wall_sees_freeze_of_line(line_id)",
    "cases_referral": f"{_of_case('cases_referral')} OR {LIAISON} AND wall_shares_referral(id)",
    "cases_sharedrelease": f"{WORKS}"
    f" AND {_through('cases_sharedrelease', 'referral_id', 'cases_referral')}"
    f" OR {LIAISON} AND EXISTS (SELECT FROM cases_sharegrant g"
    f" WHERE g.release_id = cases_sharedrelease.id)",
    "cases_sharegrant": f"{WORKS} OR {LIAISON} AND liaison_id = {ME}",
    "cases_informationrequest": f"{WORKS} AND (case_id IS NULL"
    f" OR {_through('cases_informationrequest', 'case_id', 'cases_case')})"
    f" OR {LIAISON} AND agency_id = (SELECT u.agency_id FROM fiu_user u WHERE u.id = {ME})",
    # One that was merged goes where its survivor goes.
    "cases_alert": f"{WORKS} AND NOT EXISTS (SELECT FROM cases_alertwall w"
    f" WHERE w.alert_id = cases_alert.id AND w.user_id = {ME})"
    " AND (CASE WHEN merged_into_id IS NULL THEN case_id"
    " ELSE wall_case_of_alert(merged_into_id) END IS NULL OR EXISTS (SELECT FROM cases_case w"
    " WHERE w.id = CASE WHEN cases_alert.merged_into_id IS NULL THEN cases_alert.case_id"
    " ELSE wall_case_of_alert(cases_alert.merged_into_id) END))",
    "cases_operation": f"{WORKS} AND ({ROLE} = 'compliance' OR opened_by_id = {ME}"
    " OR EXISTS (SELECT FROM cases_case w WHERE w.operation_id = cases_operation.id))"
    " AND NOT wall_blocks_operation(id)",
    "cases_suspicionreport": f"{WORKS} AND ({ROLE} = 'compliance'"
    f" OR (SELECT u.may_view_reports FROM fiu_user u WHERE u.id = {ME}))"
    " AND NOT EXISTS (SELECT FROM cases_reportwall w WHERE w.report_id = cases_suspicionreport.id"
    f" AND w.user_id = {ME})"
    f" AND {_through('cases_suspicionreport', 'case_id', 'cases_case')}",
    "cases_auditevent": f"{ROLE} = 'auditor'"
    f" OR {WORKS} AND CASE WHEN case_id IS NOT NULL"
    f" THEN {_through('cases_auditevent', 'case_id', 'cases_case')}"
    " WHEN object LIKE 'REQ-%' THEN wall_sees_request_named(object)"
    f" WHEN {ROLE} <> 'compliance' THEN false"
    " WHEN object LIKE 'OP-%' THEN wall_sees_operation_named(object) ELSE true END",
    "cases_readevent": f"actor_id = {ME} OR {WORKS} AND"
    f" {_through('cases_readevent', 'case_id', 'cases_case')}",
    "cases_idempotencykey": f"user_id = {ME}",
    "cases_inboxsnooze": f"user_id = {ME}",
    "cases_caserelation": f"{WORKS}"
    f" AND {_through('cases_caserelation', 'case_id', 'cases_case')}"
    f" AND {_through('cases_caserelation', 'other_id', 'cases_case')}",
    "cases_watch": f"user_id = {ME}",
    "cases_watchnotice": f"{_through('cases_watchnotice', 'watch_id', 'cases_watch')}",
    "cases_inboxview": f"{WORKS} AND (user_id = {ME} OR is_shared)",
    # About customers, of no case: for those who work on alerts.
    "cases_riskscore": WORKS,
    # Written by whoever looked; read by compliance.
    "cases_selflookup": f"user_id = {ME} OR {ROLE} = 'compliance' AND (case_id IS NULL"
    f" OR {_through('cases_selflookup', 'case_id', 'cases_case')})",
}

# Tables without a policy, and why. One that stands in neither list fails the check.
OPEN: Mapping[str, str] = {
    **dict.fromkeys(
        ("cases_caseaccess", "cases_caseblock", "cases_reportwall", "cases_alertwall"),
        "who sees which case: the policies themselves read them",
    ),
    **dict.fromkeys(
        (
            "cases_accountevent", "cases_accountlink", "cases_asset", "cases_customerprofile",
            "cases_provider", "cases_balance", "cases_depositaddress",
            "cases_exchangeaccount", "cases_exchangerecord", "cases_ownaddress", "cases_price",
        ),
        "records of the exchange, of no case",
    ),
    "cases_referencecounter": "numbers of series",
    "cases_pace": "how fast somebody asks, of no case",
    "cases_importmark": "how far an import has come, of no case",
    "cases_approvalpolicy": "rules of the house, of no case",
    **dict.fromkeys(
        ("cases_webhook", "cases_webhookdelivery"), "which host was told which id, of no case"
    ),
    "cases_clockrule": "rules of the house, of no case",
    "cases_legalrow": "rules of the house, of no case",
    **dict.fromkeys(
        ("cases_agencyentry", "cases_officerentry", "cases_officeralarm"),
        "who asks us and how we know them, of no case",
    ),
    "cases_rule": "rules of detection, of no case",
    "cases_rulechange": "rules of detection, of no case",
    "cases_detectionrun": "runs of the rules, of no case",
    "cases_trainedmodel": "models of the learned score, of no case",
    "cases_labelsource": "where labels come from, of no case",
}  # fmt: skip


class RowSecurityError(Exception):
    """The policies cannot be installed; the message says why."""


def condition_of(table: str) -> str:
    """The whole condition of the policy on a table."""
    return f"{IS_SYSTEM} OR {POLICIES[table]}"


def _mark(table: str) -> str:
    """What the policy's comment holds: PostgreSQL keeps the condition itself in other words."""
    parts = [
        condition_of(table),
        *(f"{name}{kind}{body}" for name, (kind, body) in {**FUNCTIONS, **SEES}.items()),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def install_row_security(connection: BaseDatabaseWrapper) -> int:
    """Drop the policies and create them anew, in one transaction; returns how many stand.

    Raises RowSecurityError unless the role in use, which owns the tables, passes over policies:
    guards, backups and the functions here must see every row.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls, quote_ident(rolname), quote_ident(current_schema())"
            " FROM pg_roles WHERE rolname = current_user"
        )
        passes, mine, home = cursor.fetchone()
        if not passes:
            raise RowSecurityError(
                f"FIU_RLS needs an owner that passes over policies, for guards and backups. A"
                f" superuser grants it: ALTER ROLE {mine} BYPASSRLS;"
            )
        lift_row_security(connection)
        for name, (kind, body) in FUNCTIONS.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}{kind} LANGUAGE sql STABLE SECURITY DEFINER"
                f" SET search_path = {home}, pg_temp AS $wall${body}$wall$"
            )
        for name, (kind, body) in SEES.items():
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {name}({kind}) RETURNS boolean LANGUAGE plpgsql STABLE"
                f" AS $wall$ BEGIN RETURN EXISTS ({body.format(home=home)}); END $wall$"
            )
        for table in POLICIES:
            cursor.execute(f"CREATE POLICY {NAME} ON {table} USING ({condition_of(table)})")
            cursor.execute(f"COMMENT ON POLICY {NAME} ON {table} IS '{_mark(table)}'")
            cursor.execute(
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
            )
    return len(POLICIES)


def lift_row_security(connection: BaseDatabaseWrapper) -> None:
    """Drop our policies, so that a migration can change columns they look at.

    The tables stay closed: without a policy no row is there, but for the owner.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no table changes while a check waits
        cursor.execute(
            "SELECT quote_ident(c.relname) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " WHERE p.polname = %s AND c.relnamespace = current_schema()::regnamespace",
            [NAME],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP POLICY {NAME} ON {table}")


def remove_row_security(connection: BaseDatabaseWrapper) -> None:
    """Drop our policies and open the tables to whoever has a grant."""
    lift_row_security(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class WHERE relrowsecurity"
            " AND relname = ANY(%s) AND relnamespace = current_schema()::regnamespace",
            [list(POLICIES)],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
            )


def missing_policies(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables of casework whose policy is absent, altered or undecided: 2 queries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, obj_description(p.oid, 'pg_policy')"
            " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
            " WHERE p.polname = %s AND c.relrowsecurity AND c.relforcerowsecurity"
            " AND c.relnamespace = current_schema()::regnamespace",
            [NAME],
        )
        present = dict(cursor.fetchall())
    tables = [name for name in connection.introspection.table_names() if name.startswith("cases_")]
    return sorted(
        name
        for name in tables
        if name not in OPEN and (name not in POLICIES or present.get(name) != _mark(name))
    )
