"""Changes of detection rules: proposed, tried on history, and put in force by a second person.

A rule's figures are never edited: a change makes a new version, and every alert names its own.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.hints import hint_on_commit
from cases.models import Rule, RuleChange
from cases.models.alerts import SEVERITIES
from cases.policy import Action, Actor, require
from cases.services.audit import content_digest, record_event
from cases.services.detection import install_rules
from cases.services.detection_runs import queue_detection
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.services.proposals import decide_proposal, enter_proposal, require_as_shown, supersede
from cases.services.validation import require_reason
from cases.states import POLICY, DetectionState, PolicyAction, PolicyState

DETECT_TASK = "cases.run_detection"
MOST_FIGURE = 1_000_000_000
MOST_WORDS = 50
LONGEST_WORD = 60


def present_rule(code: str) -> Rule:
    """The version that runs, or the newest of a rule that is off. Raises NotFound."""
    rows = Rule.objects.filter(code=code)
    found: Rule | None = rows.order_by("-is_on", "-version").first()
    if found is None:
        install_rules()
        found = rows.order_by("-version").first()
    if found is None:
        raise NotFound(_("There is no such rule."))
    return found


def read_figures(old: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as a person wrote them, of the kinds that the rule has. Raises CaseworkError.

    A whole number stays one, an amount is a decimal text, a list is words between commas.
    """
    unknown = sorted(set(given) - set(old))
    if unknown:
        name = unknown[0][:60].encode("ascii", "replace").decode()
        raise CaseworkError(_("The rule has no figure %(name)s.") % {"name": name})
    return {name: _figure(name, value, given.get(name, value)) for name, value in old.items()}


def _figure(name: str, old: Any, given: Any) -> Any:
    words = name.replace("_", " ")
    if isinstance(old, list):
        parts = given.split(",") if isinstance(given, str) else given
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise CaseworkError(_("%(name)s is a list of words.") % {"name": words})
        kept = [part.strip() for part in parts if part.strip()]
        if not 0 < len(kept) <= MOST_WORDS or not all(map(_is_word, kept)):
            raise CaseworkError(_("%(name)s is a list of words.") % {"name": words})
        return kept
    if isinstance(old, str) and not old[:1].isdigit():
        if not isinstance(given, str) or not _is_word(given.strip()):
            raise CaseworkError(_("%(name)s is a word.") % {"name": words})
        return given.strip()
    try:
        number = Decimal(str(given).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= MOST_FIGURE:
        raise CaseworkError(_("%(name)s is a number of 0 or more.") % {"name": words})
    if isinstance(old, str):
        return f"{number.quantize(Decimal('0.01')):f}".removesuffix(".00")
    if number != number.to_integral_value():
        raise CaseworkError(_("%(name)s is a whole number.") % {"name": words})
    return int(number)


def _is_word(text: str) -> bool:
    # PostgreSQL keeps no NUL in JSON; other signs that nobody sees would match nothing.
    return 0 < len(text) <= LONGEST_WORD and text.isprintable()


def rule_change_hash(change: RuleChange) -> str:
    """SHA-256 of what is put in force."""
    return content_digest(
        {
            "code": change.code,
            "against": change.rule.version,
            "parameters": change.parameters,
            "severity": change.severity,
            "switch_on": change.switch_on,
            "reason": change.reason,
            "proposed_by": change.proposed_by_id,
        }
    )


@transaction.atomic
def propose_rule_change(
    code: str,
    *,
    parameters: Mapping[str, Any],
    severity: str,
    switch_on: bool,
    reason: str,
    by: Actor,
) -> RuleChange:
    """Propose other figures, or to switch a rule on or off; its trial on history is queued.

    Nothing changes before a second person puts it in force.
    Raises PermissionDenied, NotFound, CaseworkError.
    """
    require(by, Action.PROPOSE_RULE)
    rule = present_rule(code)
    if severity not in dict(SEVERITIES):
        raise CaseworkError(_("Choose a severity."))
    figures = read_figures(rule.parameters, parameters)
    same = (figures, severity, switch_on) == (rule.parameters, rule.severity, rule.is_on)
    if same or not (switch_on or rule.is_on):
        raise CaseworkError(_("This changes nothing."))
    change = RuleChange(
        rule=rule, code=code, parameters=figures, severity=severity, switch_on=switch_on,
        reason=require_reason(reason), proposed_by_id=by.person, proposed_at=timezone.now(),
    )  # fmt: skip
    change.content_hash = rule_change_hash(change)
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError as error:
        raise CaseworkError(_("A proposal for this rule already waits.")) from error
    if switch_on:
        queue_detection("trial", change, by.person)
        hint_on_commit(DETECT_TASK)
    _note("propose_rule_change", change, change.reason, by=by)
    return change


@transaction.atomic
def approve_rule_change(
    change: RuleChange, *, content_hash: str, reason: str, by: Actor
) -> RuleChange:
    """Put a change in force as a second person: a new version of the rule, the old one ends.

    Raises PermissionDenied, StepUpRequired, ContentChanged, InvalidTransition, and CaseworkError
    where it was not tried on history yet.
    """
    enter_proposal(change, Action.DECIDE_RULE, POLICY, PolicyAction.APPROVE, by=by)
    words = require_reason(reason)
    require_as_shown(change, content_hash, rule_change_hash(change))
    if change.switch_on and not change.trials.filter(state=DetectionState.DONE).exists():
        raise CaseworkError(_("It is not tried on history yet: wait for the trial to end."))
    newest = Rule.objects.filter(code=change.code).aggregate(last=Max("version"))["last"]
    if change.rule.version != newest:
        raise ContentChanged(_("The rule has another version by now: propose anew."))
    Rule.objects.filter(code=change.code, is_on=True).update(is_on=False)
    made = Rule.objects.create(
        code=change.code, version=newest + 1, title=change.rule.title,
        red_flags=change.rule.red_flags, parameters=change.parameters,
        severity=change.severity, is_on=change.switch_on,
    )  # fmt: skip
    before = RuleChange.objects.filter(code=change.code, state=PolicyState.IN_FORCE)
    ended = supersede(before, "this change")
    decide_proposal(
        change, PolicyAction.APPROVE, words, by=by, made_id=made.pk, decision_reason=words
    )
    _note("approve_rule_change", change, words, by=by, data=ended)
    return change


@transaction.atomic
def reject_rule_change(change: RuleChange, *, reason: str, by: Actor) -> RuleChange:
    """Refuse a change as a second person: the rule stays as it is."""
    enter_proposal(change, Action.DECIDE_RULE, POLICY, PolicyAction.REJECT, by=by)
    words = require_reason(reason)
    decide_proposal(change, PolicyAction.REJECT, words, by=by, decision_reason=words)
    _note("reject_rule_change", change, words, by=by)
    return change


def _note(
    action: str,
    change: RuleChange,
    reason: str,
    *,
    by: Actor,
    data: Mapping[str, Any] | None = None,
) -> None:
    trial = change.last_trial
    record_event(
        None, action, f"rule:{change.code}", by=by, reason=reason,
        data={
            "change": str(change.public_id),
            "against": change.rule.version,
            "parameters": {name: str(value) for name, value in change.parameters.items()},
            "severity": change.severity,
            "switch_on": change.switch_on,
            "content_hash": change.content_hash,
            "trial": str(trial.public_id) if trial else "",
            **(data or {}),
        },
    )  # fmt: skip
