"""Which guards stand on which table: audit, findings, freezes, referrals, alerts, reports."""

# ruff: noqa: S608  # every name in this SQL is a constant of this package or of states.py

from cases import states
from cases.guards.casework import casework, freeze_decisions
from cases.guards.reports import reports
from cases.guards.requests import request_guards
from cases.guards.seizures import seizures
from cases.guards.shapes import (
    Guard,
    append_only,
    changed,
    parts_of_draft,
    proposal,
    second_person,
    state_table,
)


def _chain() -> list[Guard]:
    table, first = "cases_auditevent", "0" * 64
    guards = []
    for name, mine, same in (
        ("case", "NEW.case_id IS NOT NULL", "case_id = NEW.case_id"),
        ("system", "NEW.case_id IS NULL", "case_id IS NULL"),
    ):
        last = f"FROM {table} WHERE {same} ORDER BY seq DESC LIMIT 1"
        guards.append(
            Guard(
                f"audit_{name}_chain", table, "INSERT",
                f"{mine} AND (NEW.seq <> COALESCE((SELECT seq {last}), 0) + 1"
                f" OR NEW.prev_hash <> COALESCE((SELECT hash {last}), '{first}'))",
                "an audit event must continue its chain",
            )
        )  # fmt: skip
    return guards


def _findings() -> list[Guard]:
    table = "cases_finding"
    content = (
        "case_id", "kind", "severity", "statement", "tier", "confidence", "confidence_reason",
        "assumptions", "alternatives",
    )  # fmt: skip
    amount = (
        "run", "result_sha256", "policy", "outpoint", "address", "label", "asset", "value",
        "base", "low", "high",
    )  # fmt: skip
    return [
        *state_table(table, states.FindingState.DRAFT, states.FINDING),
        Guard(
            "finding_content", table, "UPDATE",
            f"{changed(content)} AND OLD.state <> 'draft'",
            "a submitted finding is edited as a draft with a new hash",
        ),
        Guard(
            "finding_hash", table, "UPDATE",
            "NEW.content_hash <> OLD.content_hash AND OLD.state <> 'draft'",
            "the hash of a submitted finding stays",
        ),
        Guard(
            "finding_decider", table, "UPDATE",
            "OLD.state = 'approved' AND NEW.reviewed_by_id <>? OLD.reviewed_by_id"
            " OR NEW.drafted_by_id <>? OLD.drafted_by_id",
            "who drafted and who approved a finding stays",
        ),
        *parts_of_draft("cases_findingamount", table, "finding_id", amount),
        *parts_of_draft("cases_counterevidence", table, "finding_id", ("kind", "text")),
        *parts_of_draft("cases_finding_wallets", table, "finding_id", ("wallet_id",)),
        *parts_of_draft("cases_finding_suspects", table, "finding_id", ("suspect_id",)),
        *parts_of_draft("cases_finding_exhibits", table, "finding_id", ("evidence_id",)),
        Guard(
            "finding_exhibit_of_its_case", "cases_finding_exhibits", "INSERT",
            f"(SELECT case_id FROM {table} WHERE id = NEW.finding_id)"
            " <> (SELECT case_id FROM cases_evidence WHERE id = NEW.evidence_id)",
            "a finding cites exhibits of its own case",
        ),
        *append_only("cases_findingversion", ("finding_id", "number")),
        Guard(
            "finding_superseded", table, "UPDATE",
            "OLD.superseded_by_id IS NOT NULL"
            " AND NEW.superseded_by_id <>? OLD.superseded_by_id",
            "what supersedes a finding stays",
        ),
        *append_only("cases_findingapproval", ("finding_id", "user_id", "content_hash")),
        second_person(
            "cases_findingapproval", table, "finding_id",
            "drafted_by_id", "last_edited_by_id", "submitted_by_id",
        ),
        Guard(
            "finding_approval_hash", "cases_findingapproval", "INSERT",
            f"NEW.content_hash <> (SELECT content_hash FROM {table} WHERE id = NEW.finding_id)",
            "an approval is of the present content",
        ),
    ]  # fmt: skip


def _freezes() -> list[Guard]:
    table, lines = "cases_freezerequest", "cases_freezeline"
    content = (
        "case_id", "legal_basis", "restriction", "urgency", "agency_id", "reason", "asked_until",
    )  # fmt: skip
    proven = (
        "EXISTS (SELECT 1 FROM cases_finding f WHERE f.id = l.finding_id"
        " AND f.state = 'approved')"
        " OR EXISTS (SELECT 1 FROM cases_legalinstrument i WHERE i.id = l.instrument_id"
        " AND i.verified_at IS NOT NULL)"
    )
    parent = f"EXISTS (SELECT 1 FROM {table} WHERE id = {{}}.freeze_id AND state <> 'draft')"
    waiting = (
        f"EXISTS (SELECT 1 FROM {table} WHERE id = OLD.freeze_id AND state NOT IN"
        " ('draft', 'submitted', 'in_review', 'provisional'))"
    )
    message = "a submitted freeze keeps its lines"
    return [
        *state_table(table, states.FreezeState.DRAFT, states.FREEZE),
        *state_table(lines, states.LineState.PLANNED, states.LINE),
        Guard(f"{lines}_added", lines, "INSERT", parent.format("NEW"), message),
        Guard(f"{lines}_removed", lines, "DELETE", parent.format("OLD"), message),
        Guard(
            f"{lines}_content", lines, "UPDATE",
            f"{changed(('freeze_id', 'account_id', 'asset_id', 'requested', 'beyond_balance'))}"
            f" AND {parent.format('OLD')}",
            message,
        ),
        # A hold placed before any finding gets its evidence before it is ratified, never another.
        Guard(
            f"{lines}_evidence", lines, "UPDATE",
            f"({changed(('finding_id',))} AND (OLD.finding_id IS NOT NULL OR {waiting})"
            f" OR {changed(('instrument_id',))} AND (OLD.instrument_id IS NOT NULL OR {waiting}))"
            f" AND {parent.format('OLD')}",
            "the evidence of a submitted line stays",
        ),
        Guard(
            f"{lines}_key", lines, "UPDATE",
            "NEW.idempotency_key <> OLD.idempotency_key AND OLD.state <> 'planned'",
            "a line that was sent keeps its key",
        ),
        Guard(
            "freeze_content", table, "UPDATE",
            f"{changed(content)} AND OLD.state <> 'draft'"
            " AND NEW.content_hash = OLD.content_hash",
            "a changed freeze needs a new hash",
        ),
        Guard(
            "freeze_hash", table, "UPDATE",
            "NEW.content_hash <> OLD.content_hash"
            " AND OLD.state NOT IN ('draft', 'submitted', 'in_review', 'provisional')",
            "the hash of a decided freeze stays",
        ),
        Guard(
            "freeze_people", table, "UPDATE",
            "NEW.requested_by_id <> OLD.requested_by_id"
            " OR (OLD.approved_by_id IS NOT NULL AND NEW.approved_by_id <>? OLD.approved_by_id)"
            " OR (OLD.provisional_by_id IS NOT NULL"
            " AND NEW.provisional_by_id <>? OLD.provisional_by_id)",
            "who asked for a freeze and who decided it stays",
        ),
        Guard(
            "freeze_evidence", table, "UPDATE",
            "OLD.state IN ('in_review', 'provisional') AND NEW.state IN ('approved', 'active')"
            f" AND (NOT EXISTS (SELECT 1 FROM {lines} l WHERE l.freeze_id = NEW.id)"
            f" OR EXISTS (SELECT 1 FROM {lines} l WHERE l.freeze_id = NEW.id AND NOT ({proven})))",
            "each line cites an approved finding or a verified instrument",
        ),
        # The policy of every amount; those of large ones need prices, and are the service's.
        Guard(
            "freeze_signatures", table, "UPDATE",
            "OLD.state IN ('in_review', 'provisional') AND NEW.state IN ('approved', 'active')"
            " AND (SELECT COUNT(DISTINCT a.user_id) FROM cases_freezeapproval a"
            " WHERE a.freeze_id = NEW.id AND a.decision = 'approve'"
            " AND a.content_hash = NEW.content_hash)"
            " < COALESCE((SELECT MAX(p.min_approvals) FROM cases_approvalpolicy p"
            " WHERE p.action = 'approve_freeze' AND p.state = 'in_force'"
            " AND p.amount_over = 0), 1)",
            "a freeze stands by the signatures that its policy asks for",
        ),
        Guard(
            "freeze_undeleted", table, "DELETE", "OLD.state <> 'draft'",
            "a submitted freeze is never deleted",
        ),
        *append_only("cases_freezeapproval", ("freeze_id", "user_id", "content_hash")),
        second_person(
            "cases_freezeapproval", table, "freeze_id",
            "requested_by_id", "last_edited_by_id", "provisional_by_id",
        ),
        *append_only("cases_freezereceipt", ("kind", "external_ref")),
        *state_table("cases_housetag", states.TagState.PROPOSED, states.TAG),
        Guard(
            "house_tag_content", "cases_housetag", "UPDATE",
            changed((
                "case_id", "ledger", "address", "label", "category", "confidence", "source",
            )),
            "what a tag says stays as proposed",
        ),
        *state_table("cases_identitylink", states.IdentityState.ASSERTED, states.IDENTITY),
        Guard(
            "identity_link_content", "cases_identitylink", "UPDATE",
            changed((
                "case_id", "suspect_id", "other_id", "claim", "basis", "match", "source_grade",
                "information_grade", "confidence", "asserted_by_id",
            )),
            "what a link claims stays as asserted",
        ),
        *state_table("cases_tagconflict", states.TagState.PROPOSED, states.TAG),
        Guard(
            "tag_conflict_content", "cases_tagconflict", "UPDATE",
            changed(("case_id", "ledger", "address", "keep", "sides", "claims_sha256")),
            "what a resolution says stays as proposed",
        ),
        *state_table("cases_separation", states.TagState.PROPOSED, states.TAG),
        Guard(
            "separation_content", "cases_separation", "UPDATE",
            changed(("case_id", "ledger", "first", "second", "joins", "basis")),
            "what a separation says stays as proposed",
        ),
        Guard(
            "instrument_content", "cases_legalinstrument", "UPDATE",
            "OLD.verified_at IS NOT NULL AND " + changed((
                "case_id", "type", "number", "agency_id", "issued_by", "issued_on", "valid_until",
                "jurisdiction", "document_sha256", "recorded_by_id", "verified_by_id",
                "verified_at",
            )),
            "a verified instrument stays as verified",
        ),
        *state_table("cases_outboxmessage", states.OutboxState.PENDING, states.OUTBOX),
        Guard(
            "outbox_content", "cases_outboxmessage", "UPDATE",
            changed(("id", "case_id", "line_id", "kind", "decision_id", "seizure_id")),
            "an order keeps its key and its line",
        ),
    ]  # fmt: skip


def _prices() -> list[Guard]:
    """What a freeze was valued at stays as it was."""
    cited = "EXISTS (SELECT 1 FROM cases_freezeline l WHERE l.price_id = OLD.id)"
    table, message = "cases_price", "a freeze was valued at this price"
    columns = (
        "id", "asset_id", "currency", "price", "at", "source", "method", "loaded_at",
        "loaded_by_id",
    )  # fmt: skip
    return [
        Guard(f"{table}_cited", table, "UPDATE", f"{changed(columns)} AND {cited}", message),
        Guard(f"{table}_cited_kept", table, "DELETE", cited, message),
    ]


def _referrals() -> list[Guard]:
    table, release = "cases_referral", "cases_sharedrelease"
    return [
        *state_table(table, states.ReferralState.DRAFT, states.REFERRAL),
        *state_table(release, states.ReleaseState.SEALED, states.RELEASE),
        *parts_of_draft("cases_referralmember", table, "referral_id", ("member_id",)),
        Guard(
            "referral_member_exportable", "cases_referralmember", "INSERT",
            "NOT EXISTS (SELECT 1 FROM cases_cohortmember m WHERE m.id = NEW.member_id"
            " AND m.is_exportable)",
            "a customer told by a pattern alone, or disputed, never leaves the house",
        ),
        Guard(
            "referral_answers", table, "INSERT",
            "NEW.answers_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cases_informationrequest q"
            " WHERE q.id = NEW.answers_id AND q.agency_id = NEW.agency_id"
            " AND q.case_id = NEW.case_id AND q.accepted_datasets <> '')",
            "a referral answers an accepted request of its own agency in its own case",
        ),
        Guard(
            "referral_answers_kept", table, "UPDATE",
            changed(("answers_id",)) + " OR NEW.answers_id IS NOT NULL AND ("
            + changed(("agency_id", "case_id")) + ")",
            "what a referral answers stays",
        ),
        *append_only("cases_referralapproval", ("referral_id", "user_id", "content_hash", "step")),
        second_person(
            "cases_referralapproval", table, "referral_id", "drafted_by_id", "last_edited_by_id"
        ),
        *(
            guard
            for guard in append_only(release, ("public_id",), ("number",))
            if not guard.name.endswith("_kept")
        ),
        Guard(
            "release_content", release, "UPDATE",
            changed((
                "public_id", "referral_id", "agency_id", "number", "version", "dossier", "sha256",
                "manifest", "audit_seq", "audit_hash", "sealed_by_id", "sealed_at",
                "supersedes_id",
            )),
            "the content of a release never changes",
        ),
        *append_only("cases_releasefile", ("release_id", "name")),
        # Whatever a service forgot: the file of a report to the authority, and what came back.
        Guard(
            "release_holds_no_report", "cases_releasefile", "INSERT",
            "EXISTS (SELECT 1 FROM cases_suspicionreport r WHERE r.content_hash = NEW.sha256)"
            " OR EXISTS (SELECT 1 FROM cases_reportacknowledgement a"
            " WHERE a.sha256 = NEW.sha256)",
            "this file cannot be part of a release",
        ),
        *append_only("cases_releasedownload", ("grant_id", "number")),
        *append_only("cases_outcome", ("public_id",)),
        *append_only("cases_releasestamp", ("release_id",)),
        *(
            guard
            for guard in append_only("cases_releasequestion", ("public_id",))
            if not guard.name.endswith("_kept")
        ),
        Guard(
            "release_question_content", "cases_releasequestion", "UPDATE",
            changed(("public_id", "release_id", "grant_id", "about", "text", "asked_at"))
            + " OR OLD.answered_at IS NOT NULL",
            "a question and its answer never change",
        ),
        Guard(
            "answer_of_two_people", "cases_releasequestion", "UPDATE",
            "NEW.answered_at IS NOT NULL AND EXISTS (SELECT 1 FROM cases_answerproposal p"
            " WHERE p.question_id = NEW.id) AND NOT EXISTS (SELECT 1 FROM cases_answerproposal p"
            " WHERE p.question_id = NEW.id AND p.text = NEW.answer"
            " AND p.by_id <> NEW.answered_by_id)",
            "what was proposed as an answer is sent by a second person, as it was proposed",
        ),
        *append_only("cases_answerproposal"),
    ]  # fmt: skip


def _alerts() -> list[Guard]:
    table = "cases_alert"
    return [
        *state_table(table, states.AlertState.NEW, states.ALERT),
        Guard(
            "alert_content", table, "UPDATE",
            changed((
                "rule_id", "account_id", "fingerprint", "window_from", "fiat", "raised_at",
            ))
            + ' OR CAST(NEW."values" AS TEXT) <>? CAST(OLD."values" AS TEXT)',
            "what an alert says stays",
        ),
        Guard(
            "second_look_stays", "cases_secondlook", "UPDATE",
            "OLD.judged_by_id IS NOT NULL OR "
            + changed(("alert_id", "first_by_id", "proposed_by_id", "drawn_at")),
            "a judgement stays as it was given",
        ),
        Guard("alert_undeleted", table, "DELETE", "1 = 1", "an alert is never deleted"),
        *append_only("cases_alertwall", ("alert_id", "user_id")),
        Guard(
            "rule_content", "cases_rule", "UPDATE",
            changed(("code", "version", "red_flags", "severity")).replace(
                "NEW.red_flags <>? OLD.red_flags",
                "CAST(NEW.red_flags AS TEXT) <>? CAST(OLD.red_flags AS TEXT)",
            )
            + " OR CAST(NEW.parameters AS TEXT) <>? CAST(OLD.parameters AS TEXT)",
            "a changed rule is a new version",
        ),
        *proposal(
            "cases_rulechange", ("rule_id", "code", "severity", "switch_on"), "a change of a rule",
            also=" OR CAST(NEW.parameters AS TEXT) <>? CAST(OLD.parameters AS TEXT)",
        ),
        # Nothing goes live untried: its trial on history has ended.
        Guard(
            "rule_change_tried", "cases_rulechange", "UPDATE",
            "NEW.state = 'in_force' AND OLD.state = 'proposed' AND NEW.switch_on"
            " AND NOT EXISTS (SELECT 1 FROM cases_detectionrun r WHERE r.change_id = NEW.id"
            " AND r.state = 'done')",
            "a changed rule is tried on history before it goes live",
        ),
        *proposal(
            "cases_trainedmodel", ("number", "subject"), "a trained model",
            also=" OR CAST(NEW.content AS TEXT) <>? CAST(OLD.content AS TEXT)"
            " OR CAST(NEW.card AS TEXT) <>? CAST(OLD.card AS TEXT)",
        ),
        *state_table("cases_detectionrun", states.DetectionState.QUEUED, states.DETECTION),
    ]  # fmt: skip


GUARDS: tuple[Guard, ...] = (
    *append_only("cases_auditevent", ("case_id", "seq")),
    *_chain(),
    *append_only("cases_readevent"),
    *append_only("cases_bookrun", ("public_id",)),
    *state_table("cases_case", states.CaseState.INTAKE, states.CASE),
    *_findings(),
    *_freezes(),
    *_prices(),
    *freeze_decisions(),
    *seizures(),
    *casework(),
    *_referrals(),
    *request_guards(),
    *_alerts(),
    *reports(),
)
