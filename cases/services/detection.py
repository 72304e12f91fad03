"""Running the rules over the exchange's records and raising alerts: as often as one likes.

A firing is known by its fingerprint (rule, account, records), so a second run raises nothing. A
new firing on an account whose alert of the same rule is still open is merged into it and counted;
once that one is closed or in a case, a new firing is a new alert.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cases.detection import (
    EVENT_RULES,
    LEDGER_RULES,
    RULES,
    Hit,
    Movement,
    evaluate,
    evaluate_group,
)
from cases.models import Alert, AlertWall, ExchangeAccount, ExchangeRecord, Rule
from cases.models.alerts import RANKS
from cases.policy import Action, Actor, require
from cases.queries.clocks import clock_for
from cases.queries.detection import Inputs, accounts_moved, device_groups
from cases.services.audit import record_event
from cases.services.risk_models import Scorer
from cases.services.self_lookups import namesakes_by_name
from cases.services.steps import swap_state
from cases.states import ALERT, OPEN_ALERT_STATES, AlertAction

GROUP_RULE = "shared_device"
SWAP_RULE, BANK_RULE = "fits_a_swap", "market_bank"
ACCOUNTS_AT_ONCE = 5_000
MOST_POINTS = 100
MOST_NAMED = 900  # names in one query
ZERO = Decimal(0)
Exposed = Mapping[str, tuple[Decimal, Decimal]]


@dataclass(slots=True)
class DetectReport:
    """What one run saw and did; `fired` counts hits by rule, known ones included."""

    num_accounts: int = 0
    num_movements: int = 0
    num_unpriced: int = 0
    fired: dict[str, int] = field(default_factory=dict)
    num_raised: int = 0
    num_merged: int = 0
    num_known: int = 0


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule fired on an account; `linked` are the accounts of a group."""

    rule: Rule
    account: int
    hit: Hit
    linked: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        text = "|".join((self.rule.code, str(self.account), *sorted(self.hit.refs)))
        return hashlib.sha256(text.encode()).hexdigest()


def install_rules() -> list[Rule]:
    """The rules that are on; a rule of the catalogue that is not there yet comes as version 1.

    Those whose precision nobody measured yet come switched off. Of two processes that install at
    once the second leaves the rows of the first as they are: one version 1 a code, by the database.
    """
    known = set(Rule.objects.values_list("code", flat=True))
    Rule.objects.bulk_create(
        [
            Rule(
                code=spec.code,
                title=spec.title,
                red_flags=[spec.flag],
                parameters=spec.parameters,
                severity=spec.severity,
                is_on=spec.is_on,
            )
            for spec in RULES
            if spec.code not in known
        ],
        ignore_conflicts=True,
    )
    return list(Rule.objects.filter(is_on=True).order_by("code"))


def run_detection(*, since: datetime, by: Actor) -> DetectReport:
    """Run every rule that is on over the accounts that moved since a time: once, and by hand.

    Their whole history is read in any case. Accounts are read in batches, one transaction for what
    each raises; a group of accounts on one device is looked at by runs over all accounts and over
    new records (`detection_runs`). Raises PermissionDenied.
    """
    require(by, Action.RAISE_ALERT)
    rules = install_rules()
    report = DetectReport(fired={rule.code: 0 for rule in rules})
    scorer = Scorer()
    inputs = inputs_of(rules, scorer)
    moved = ExchangeAccount.objects.filter(accounts_moved(since)).order_by("pk")
    numbers = list(moved.values_list("pk", flat=True))
    for start in range(0, len(numbers), ACCOUNTS_AT_ONCE):
        batch = numbers[start : start + ACCOUNTS_AT_ONCE]
        found = firings_of(rules, inputs, batch, report, scorer)
        with transaction.atomic():
            raise_alerts(found, report, inputs, by=by)
            scorer.write(batch)
    return report


def inputs_of(rules: Sequence[Rule], scorer: Scorer | None = None) -> Inputs:
    """What these rules read, and no more; a scorer with a model reads everything."""
    codes = {rule.code for rule in rules}
    scores = scorer is not None and bool(scorer.models)
    swap = next((rule.parameters for rule in rules if rule.code == SWAP_RULE), None)
    names = [str(name).lower() for name in swap["exchangers"]] if swap else []
    return Inputs(
        with_banks=BANK_RULE in codes,
        swaps=(names, int(swap["window_minutes_max"]) if swap else 0),
        with_ledger=scores or not LEDGER_RULES.isdisjoint(codes),
        with_events=scores or not EVENT_RULES.isdisjoint(codes),
    )


def firings_of(
    rules: Sequence[Rule],
    inputs: Inputs,
    accounts: Sequence[int],
    report: DetectReport,
    scorer: Scorer | None = None,
) -> list[Firing]:
    """Every hit of every rule on a batch of accounts; the report counts what was read.

    A scorer sees each account too, so that nothing is read twice.
    """
    found: list[Firing] = []
    asked = [rule for rule in rules if rule.code != GROUP_RULE]
    # Without an event or a link an account that never moved has nothing a rule could say.
    quiet_too = inputs.with_events or inputs.with_ledger
    for pk, account, rows in inputs.histories(accounts):
        if rows:
            report.num_accounts += 1
            report.num_movements += len(rows)
            report.num_unpriced += sum(row.fiat is None for row in rows)
            if scorer is not None:
                scorer.see(pk, account, rows)
        elif not quiet_too:
            continue
        for rule in asked:
            for hit in evaluate(rule.code, account, rows, rule.parameters):
                report.fired[rule.code] += 1
                found.append(Firing(rule, pk, hit))
    return found


def group_firings(
    rules: Sequence[Rule],
    inputs: Inputs,
    report: DetectReport,
    among: frozenset[int] | None = None,
) -> list[Firing]:
    """Hits of the rule on accounts of one device; `among` looks at groups with one of those."""
    asked = [rule for rule in rules if rule.code == GROUP_RULE]
    found: list[Firing] = []
    if not asked:
        return found
    least = min(int(rule.parameters["min_accounts"]) for rule in asked)
    for groups in _groups_at_once(least, among):
        members = sorted(member for group in groups.values() for member in group)
        histories = {pk: (account, rows) for pk, account, rows in inputs.histories(members)}
        for leader, group in groups.items():
            mine = [histories[pk] for pk in sorted(group)]
            numbers = {histories[pk][0].uid: pk for pk in group}
            rows = [(account.uid, row) for account, own in mine for row in own]
            for rule in asked:
                for firing in _of_group(rule, leader, rows, numbers):
                    report.fired[rule.code] += 1
                    found.append(firing)
    return found


def _groups_at_once(least: int, among: frozenset[int] | None) -> Iterator[dict[int, list[int]]]:
    """Groups of accounts on one device by their leader, some at a time; too small ones left out."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for account, leader in device_groups().items():
        groups[leader].append(account)
    kept: dict[int, list[int]] = {}
    size = 0
    for leader, members in sorted(groups.items()):
        if len(members) < least or (among is not None and among.isdisjoint(members)):
            continue
        kept[leader] = members
        size += len(members)
        if size >= ACCOUNTS_AT_ONCE:
            yield kept
            kept, size = {}, 0
    if kept:
        yield kept


def _of_group(
    rule: Rule, leader: int, rows: list[tuple[str, Movement]], numbers: dict[str, int]
) -> Iterator[Firing]:
    # A transfer inside the group stands on both sides: one line of it is enough.
    own = [row for row in rows if row[1].kind != "internal_in"]
    own.sort(key=lambda row: (row[1].at, row[1].ref))
    for uids, hit in evaluate_group(own, rule.parameters):
        yield Firing(rule, leader, hit, tuple(numbers[uid] for uid in uids))


def score(rule: Rule, fiat: Decimal) -> tuple[int, list[dict[str, object]]]:
    """Points out of 100, with what each part gave: how grave the rule is, how much is at stake."""
    grave = RANKS[rule.severity] * 15
    digits = len(str(int(fiat))) if fiat >= 1 else 0
    amount = min(digits * 5, MOST_POINTS - grave)
    return grave + amount, [
        {"part": "severity", "points": grave},
        {"part": "amount", "points": amount},
    ]


@transaction.atomic
def raise_alerts(
    firings: Iterable[Firing], report: DetectReport, inputs: Inputs, *, by: Actor
) -> None:
    """Write what is new of these firings, in one transaction; all of an account come together.

    11 queries for any number of alerts, and 4 for each that is merged; and what their money met,
    where a ledger is loaded.
    """
    fresh = _unknown(firings, report)
    if not fresh:
        return
    clock, now = clock_for("triage"), timezone.now()
    due_at = clock.ends(now) if clock else None
    exposed = inputs.exposed(sorted({ref for firing in fresh for ref in firing.hit.refs}))
    alerts = Alert.objects.bulk_create(_make(firing, exposed, now, due_at) for firing in fresh)
    _tie(fresh, alerts)
    _wall_off(fresh, alerts, now)
    open_ones = {
        (alert.rule.code, alert.account_id): alert
        for alert in Alert.objects.filter(
            state__in=OPEN_ALERT_STATES, account__in={each.account for each in fresh}
        )
        .exclude(pk__in=[alert.pk for alert in alerts]).select_related("rule").order_by("pk")
    }  # fmt: skip
    num_raised, num_merged = 0, 0
    for firing, alert in zip(fresh, alerts, strict=True):
        survivor = open_ones.get((firing.rule.code, firing.account))
        if survivor is None or not merge_into(alert, survivor):
            open_ones[firing.rule.code, firing.account] = alert
            num_raised += 1
            continue
        num_merged += 1
    report.num_raised += num_raised
    report.num_merged += num_merged
    data = {"num_raised": num_raised, "num_merged": num_merged}
    record_event(None, "raise_alerts", "detection", by=by, data=data)


def _unknown(firings: Iterable[Firing], report: DetectReport) -> list[Firing]:
    """Firings that no alert tells of yet, oldest first."""
    marks = {firing.fingerprint: firing for firing in firings}
    known: set[str] = set()
    names = list(marks)
    for start in range(0, len(names), MOST_NAMED):
        part = names[start : start + MOST_NAMED]
        told = Alert.objects.filter(fingerprint__in=part)
        known.update(told.values_list("fingerprint", flat=True))
    report.num_known += len(known)
    fresh = [firing for mark, firing in marks.items() if mark not in known]
    return sorted(fresh, key=attrgetter("hit.last_at", "rule.code", "account"))


def _make(firing: Firing, exposed: Exposed, now: datetime, due_at: datetime | None) -> Alert:
    hit = firing.hit
    points, parts = score(firing.rule, hit.fiat)
    told = [exposed[ref] for ref in dict.fromkeys(hit.refs) if ref in exposed]
    return Alert(
        rule=firing.rule,
        account_id=firing.account,
        fingerprint=firing.fingerprint,
        values=[asdict(value) for value in hit.values],
        window_from=hit.first_at,
        window_to=hit.last_at,
        fiat=hit.fiat,
        severity=firing.rule.severity,
        rank=RANKS[firing.rule.severity],
        score=points,
        contributions=parts,
        exposed_low=sum((low for low, _high in told), ZERO) if told else None,
        exposed_high=sum((high for _low, high in told), ZERO) if told else None,
        due_at=due_at,
        raised_at=now,
        last_raised_at=now,
    )


def _tie(firings: Sequence[Firing], alerts: Sequence[Alert]) -> None:
    """Each alert to its records and, of a group, to its accounts."""
    refs = sorted({ref for firing in firings for ref in firing.hit.refs})
    numbers: dict[str, int] = {}
    for start in range(0, len(refs), MOST_NAMED):
        part = refs[start : start + MOST_NAMED]
        found = ExchangeRecord.objects.filter(ref__in=part)
        numbers.update(found.values_list("ref", "pk"))
    to_record, to_account = Alert.records.through, Alert.linked_accounts.through
    to_record.objects.bulk_create(
        to_record(alert_id=alert.pk, exchangerecord_id=numbers[ref])
        for firing, alert in zip(firings, alerts, strict=True)
        for ref in dict.fromkeys(firing.hit.refs)
        if ref in numbers
    )
    to_account.objects.bulk_create(
        to_account(alert_id=alert.pk, exchangeaccount_id=account)
        for firing, alert in zip(firings, alerts, strict=True)
        for account in firing.linked
    )


def _wall_off(firings: Sequence[Firing], alerts: Sequence[Alert], now: datetime) -> None:
    """Hide each alert from our own people who may hold an account of it: by the name alone."""
    numbers = sorted({pk for firing in firings for pk in (firing.account, *firing.linked)})
    holders: dict[int, str] = {}
    for start in range(0, len(numbers), MOST_NAMED):
        rows = ExchangeAccount.objects.filter(pk__in=numbers[start : start + MOST_NAMED])
        holders.update(rows.values_list("pk", "holder_name"))
    ours = namesakes_by_name(set(holders.values()))
    if not ours:
        return
    AlertWall.objects.bulk_create(
        AlertWall(alert=alert, user_id=user, at=now)
        for firing, alert in zip(firings, alerts, strict=True)
        for user in sorted({
            user for pk in (firing.account, *firing.linked) for user in ours.get(holders[pk], ())
        })
    )  # fmt: skip


def merge_into(alert: Alert, survivor: Alert) -> bool:
    """Count a further firing in an open alert; its own row stays and is shown there.

    False, and nothing done, where somebody closed that alert meanwhile: then nobody would look at
    the firing, so it stands for itself. The row of the open alert stays locked to the end. Who may
    not see the firing does not see that alert from here on.
    """
    is_open = Alert.objects.filter(pk=survivor.pk, state__in=OPEN_ALERT_STATES)
    if not is_open.update(num_merged=F("num_merged") + 1, last_raised_at=alert.raised_at):
        return False
    swap_state(
        alert, ALERT, AlertAction.MERGE, "This alert",
        merged_into_id=survivor.pk, closed_at=timezone.now(),
    )  # fmt: skip
    known = set(survivor.walls.values_list("user_id", flat=True))
    AlertWall.objects.bulk_create(
        AlertWall(alert=survivor, user_id=wall.user_id, at=wall.at)
        for wall in alert.walls.all() if wall.user_id not in known
    )  # fmt: skip
    return True
