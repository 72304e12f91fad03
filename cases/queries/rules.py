"""Detection rules as their pages show them: meaning, figures, hits, precision, and changes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases.detection import FLAGS, RULES, SPECS, Flag, RuleSpec
from cases.models import Alert, DetectionRun, ExchangeAccount, Rule, RuleChange
from cases.models.exchange import masked_uid
from cases.policy import Action, Actor, may
from cases.proportions import Share, share_of
from cases.states import OPEN_ALERT_STATES, AlertState, PolicyState

L = gettext_lazy
MOST_RUNS = 6
MOST_ALERTS = 12
MOST_CHANGES = 50
FALSE_ALARM = "false_positive"
BOUNDS: Mapping[str, str | Promise] = {"min": L("at least"), "max": L("at most")}
UNITS: Mapping[str, str | Promise] = {
    "fiat": L("in USD"),
    "pct": L("in %"),
    "bp": L("in hundredths of a percent"),
    "minutes": L("in minutes"),
    "hours": L("in hours"),
    "days": L("in days"),
    "years": L("in years"),
}


def figure_title(name: str) -> str:
    """What a figure of a rule is called: "min_exposure_pct" is "Exposure, in %, at least"."""
    words = name.split("_")
    core = [word for word in words if word not in BOUNDS and word not in UNITS]
    if "fiat" in words and core != ["limit"]:
        core.append(str(L("amount")))
    title = " ".join(core).replace("vasp", "VASP")
    parts = [title[:1].upper() + title[1:]]
    parts += [str(UNITS[word]) for word in words if word in UNITS]
    parts += [str(BOUNDS[word]) for word in words if word in BOUNDS]
    return ", ".join(parts)


@dataclass(frozen=True)
class Hits:
    """How often a rule fired and how its alerts ended.

    `precision` counts alerts that led to a case among those that did or were a false alarm; what
    is open, merged, known already or not enough to go on says nothing of it.
    """

    fired: int
    open: int
    linked: int
    false: int
    precision: Share


@dataclass(frozen=True)
class RuleRow:
    """One rule: as shipped, as it runs here (None before the first run), and what it did.

    `hits` is None for a person who sees no alerts at all: a count of none would be untrue.
    """

    spec: RuleSpec
    flag: Flag
    rule: Rule | None
    hits: Hits | None

    @property
    def is_on(self) -> bool:
        return self.rule.is_on if self.rule is not None else self.spec.is_on


@dataclass(frozen=True)
class RulesPage:
    """All rules, what waits for a second person, and the newest runs."""

    rows: list[RuleRow]
    proposed: list[RuleChange]
    runs: list[DetectionRun]

    @property
    def num_on(self) -> int:
        return sum(row.is_on for row in self.rows)


@dataclass(frozen=True)
class Figure:
    """One figure of a rule: as it runs, as the catalogue begins, as a change would have it."""

    name: str
    now: Any
    shipped: Any
    proposed: Any = None

    @property
    def words(self) -> str:
        return figure_title(self.name)


@dataclass(frozen=True)
class TrialView:
    """A trial on history: what fires now, what would, and some of the difference."""

    run: DetectionRun
    told: dict[str, Any]
    shown: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class RulePage:
    """One rule with everything that stands around it."""

    row: RuleRow
    figures: list[Figure]
    alerts: list[Alert]
    changes: list[RuleChange]
    proposed: RuleChange | None
    trial: TrialView | None


def rules_page(actor: Actor) -> RulesPage:
    """Every rule of the catalogue: 4 queries."""
    rules = _present(Rule.objects.order_by("version"))
    hits = _hits(actor)
    proposed = RuleChange.objects.filter(state=PolicyState.PROPOSED).select_related(
        "proposed_by", "rule"
    )
    return RulesPage(
        [
            RuleRow(spec, FLAGS[spec.flag], rules.get(spec.code), _told(hits, spec.code))
            for spec in RULES
        ],
        list(proposed.order_by("pk")),
        list(
            DetectionRun.objects.select_related("change__rule").order_by("-queued_at", "-pk")[
                :MOST_RUNS
            ]
        ),
    )


def rule_page(code: str, actor: Actor) -> RulePage | None:
    """One rule, None where the catalogue has none of this name: 5 queries, 8 with a trial."""
    spec = SPECS.get(code)
    if spec is None:
        return None
    rule = _present(Rule.objects.filter(code=code).order_by("version")).get(code)
    changes = list(
        RuleChange.objects.filter(code=code)
        .select_related("proposed_by", "decided_by", "made", "rule").order_by("-pk")[:MOST_CHANGES]
    )  # fmt: skip
    proposed = next((each for each in changes if each.state == PolicyState.PROPOSED), None)
    now: dict[str, Any] = rule.parameters if rule is not None else spec.parameters
    then: dict[str, Any] = proposed.parameters if proposed is not None else {}
    alerts = (
        Alert.objects.visible_to(actor).filter(rule__code=code, merged_into=None)
        .select_related("rule", "account").order_by("-raised_at", "-pk")
    )  # fmt: skip
    return RulePage(
        RuleRow(spec, FLAGS[spec.flag], rule, _told(_hits(actor, code), code)),
        [
            Figure(name, value, spec.parameters.get(name), then.get(name))
            for name, value in now.items()
        ],
        list(alerts[:MOST_ALERTS]),
        changes,
        proposed,
        trial_view(proposed, actor) if proposed is not None else None,
    )


def trial_view(change: RuleChange, actor: Actor) -> TrialView | None:
    """The newest trial of a change with the accounts it names, masked: 3 queries.

    What would not fire any more fired once: it is named to those who may see its alert, and to
    others it is in the numbers alone. Somebody's alert may stand in a case that is sealed. To a
    person who sees no alerts no account is named at all.
    """
    run = change.trials.order_by("-pk").first()
    if run is None:
        return None
    shown = run.result.get("shown", []) if may(actor, Action.TRIAGE_ALERT) else []
    lost = {row["account"] for row in shown if row["what"] == "lost"}
    alerts = Alert.objects.visible_to(actor).filter(rule__code=change.code, account__in=lost)
    seen = set(alerts.values_list("account", "window_to"))
    shown = [
        row for row in shown
        if row["what"] != "lost" or (row["account"], datetime.fromisoformat(row["at"])) in seen
    ]  # fmt: skip
    uids = dict(
        ExchangeAccount.objects.filter(pk__in=[row["account"] for row in shown]).values_list(
            "pk", "uid"
        )
    )
    named = [row | {"masked": masked_uid(uids.get(row["account"], ""))} for row in shown]
    return TrialView(run, run.result, named)


def _present(rules: Iterable[Rule]) -> dict[str, Rule]:
    """The version that runs, else the newest; `rules` come by version."""
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.is_on or not (rule.code in found and found[rule.code].is_on):
            found[rule.code] = rule
    return found


def _told(hits: Mapping[str, Hits] | None, code: str) -> Hits | None:
    return None if hits is None else hits.get(code, _tally({}))


def _hits(actor: Actor, code: str = "") -> dict[str, Hits] | None:
    """Alerts that the person may see, counted by rule: 1 query; None for who sees no alerts."""
    if not may(actor, Action.TRIAGE_ALERT):
        return None
    rows = Alert.objects.visible_to(actor)
    if code:
        rows = rows.filter(rule__code=code)
    counts: dict[str, Counter[tuple[str, str]]] = {}
    for rule, state, disposition, count in (
        rows.order_by().values_list("rule__code", "state", "disposition").annotate(n=Count("pk"))
    ):
        counts.setdefault(rule, Counter())[state, disposition] += count
    return {rule: _tally(counted) for rule, counted in counts.items()}


def _tally(counted: dict[tuple[str, str], int] | Counter[tuple[str, str]]) -> Hits:
    linked = sum(n for (state, _how), n in counted.items() if state == AlertState.LINKED)
    false = sum(
        n for (state, how), n in counted.items()
        if state == AlertState.DISMISSED and how == FALSE_ALARM
    )  # fmt: skip
    waiting = sum(n for (state, _how), n in counted.items() if state in OPEN_ALERT_STATES)
    return Hits(
        sum(counted.values()), waiting, linked, false, share_of(linked, linked + false)
    )  # fmt: skip
