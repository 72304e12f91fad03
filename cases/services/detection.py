"""Running the rules over the exchange's records and raising alerts: as often as one likes.

A firing is known by its fingerprint (rule, account, records), so a second run raises nothing. A
new firing on an account whose alert of the same rule is still open is merged into it and counted;
once that one is closed or in a case, a new firing is a new alert.
"""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter

from django.db import transaction
from django.db.models import F, Min, Q
from django.utils import timezone

from cases.detection import FLAGS, RULES, Account, Hit, Movement, evaluate, evaluate_group
from cases.models import (
    AccountLink,
    Alert,
    Asset,
    ExchangeAccount,
    ExchangeRecord,
    Price,
    Rule,
)
from cases.policy import Action, Actor, require
from cases.queries.money import CURRENCY, NOT_ARRIVED, value_of
from cases.services.audit import record_event
from cases.services.steps import swap_state
from cases.states import ALERT, OPEN_ALERT_STATES, AlertAction

GROUP_RULE = "shared_device"
BATCH = 5_000
RANKS = {"low": 1, "medium": 2, "high": 3, "severe": 4}
MOST_POINTS = 100


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
class _Firing:
    rule: Rule
    account: int
    hit: Hit
    linked: tuple[int, ...] = ()

    @property
    def fingerprint(self) -> str:
        text = "|".join((self.rule.code, str(self.account), *sorted(self.hit.refs)))
        return hashlib.sha256(text.encode()).hexdigest()


def install_rules() -> list[Rule]:
    """The rules that are on; a rule of the catalogue that is not there yet comes as version 1."""
    known = set(Rule.objects.values_list("code", flat=True))
    for spec in RULES:
        if spec.code not in known:
            Rule.objects.create(
                code=spec.code,
                title=spec.title,
                red_flags=[spec.flag],
                parameters=dict(FLAGS[spec.flag].params),
                severity=spec.severity,
            )
    return list(Rule.objects.filter(is_on=True).order_by("code"))


def run_detection(*, since: datetime | None = None, by: Actor) -> DetectReport:
    """Run every rule that is on; `since` looks only at accounts that moved from then on.

    Their whole history is read in any case. One pass over the records in order of account and
    time, one transaction for what it raises. Raises PermissionDenied.
    """
    require(by, Action.RAISE_ALERT)
    with transaction.atomic():
        rules = install_rules()
    report = DetectReport(fired={rule.code: 0 for rule in rules})
    firings = list(_firings(rules, since, report))
    for firing in firings:
        report.fired[firing.rule.code] += 1
    _raise(firings, report, by=by)
    return report


class _Prices:
    """The price of an asset at a time: the latest at or before it."""

    def __init__(self) -> None:
        self._at: defaultdict[str, list[datetime]] = defaultdict(list)
        self._price: defaultdict[str, list[Decimal]] = defaultdict(list)
        rows = Price.objects.filter(currency=CURRENCY).order_by("asset_id", "at", "-source")
        for asset, at, price in rows.values_list("asset_id", "at", "price"):
            self._at[asset].append(at)
            self._price[asset].append(price)
        self._decimals = dict(Asset.objects.values_list("asset", "decimals"))

    def value(self, asset: str, base: int, at: datetime) -> Decimal | None:
        place = bisect_right(self._at[asset], at)
        if not place:
            return None
        return value_of(base, self._decimals[asset], self._price[asset][place - 1])


def _movements(since: datetime | None) -> Iterator[tuple[int, Movement]]:
    """(account, movement) in order of account and time; a transfer stands on both sides."""
    prices, symbols = _Prices(), dict(Asset.objects.values_list("asset", "symbol"))
    columns = (
        "ref", "kind", "account_id", "counter_account_id", "asset_id", "base", "asset_out_id",
        "base_out", "at", "account__customer",
    )  # fmt: skip
    arrived = ExchangeRecord.objects.exclude(status__in=NOT_ARRIVED)

    def rows(side: str) -> Iterator[tuple[int, Movement]]:
        found = arrived
        if since is not None:
            recent = arrived.filter(at__gte=since)
            moved = Q(**{f"{side}__in": recent.values("account_id")}) | Q(
                **{f"{side}__in": recent.exclude(counter_account=None).values("counter_account_id")}
            )
            found = found.filter(moved)
        if side == "counter_account_id":
            found = found.filter(kind="internal_transfer", counter_account__isnull=False)
        ordered = found.order_by(side, "at", "pk").values_list(*columns)
        for ref, kind, own, other, asset, base, out, base_out, at, sender in ordered.iterator(
            chunk_size=BATCH
        ):
            inward = side == "counter_account_id"
            if kind == "internal_transfer":
                kind = "internal_in" if inward else "internal_out"
            yield (
                other if inward else own,
                Movement(
                    ref, kind, at, symbols[asset], base, prices.value(asset, base, at),
                    sender if inward else "",
                    symbols[out] if out else "",
                    prices.value(out, base_out, at) if out and base_out is not None else None,
                ),
            )  # fmt: skip

    def place(row: tuple[int, Movement]) -> tuple[int, datetime]:
        return row[0], row[1].at

    return merge(rows("account_id"), rows("counter_account_id"), key=place)


def _groups() -> dict[int, int]:
    """Each account that shares a device to the smallest number of its group."""
    leader: dict[int, int] = {}

    def find(account: int) -> int:
        while leader.setdefault(account, account) != account:
            account = leader[account]
        return account

    pairs = AccountLink.objects.filter(link="device").values_list("account_id", "other_account_id")
    for pair in pairs:
        low, high = sorted(map(find, pair))
        leader[high] = low
    return {account: find(account) for account in leader}


def _firings(rules: list[Rule], since: datetime | None, report: DetectReport) -> Iterator[_Firing]:
    """Every hit of every rule, account by account; only groups are kept in memory."""
    known_from = ExchangeRecord.objects.aggregate(first=Min("at"))["first"]
    accounts = {
        pk: Account(uid, opened_on, known_from)
        for pk, uid, opened_on in ExchangeAccount.objects.values_list("pk", "uid", "opened_on")
    }
    group_of = _groups()
    in_groups: defaultdict[int, list[tuple[str, Movement]]] = defaultdict(list)
    for pk, found in groupby(_movements(since), key=itemgetter(0)):
        rows = [row for _pk, row in found]
        report.num_accounts += 1
        report.num_movements += len(rows)
        report.num_unpriced += sum(row.fiat is None for row in rows)
        if pk in group_of:
            in_groups[group_of[pk]] += [(accounts[pk].uid, row) for row in rows]
        for rule in rules:
            if rule.code != GROUP_RULE:
                for hit in evaluate(rule.code, accounts[pk], rows, rule.parameters):
                    yield _Firing(rule, pk, hit)
    if since is not None:
        return  # a group is only whole in a full run
    numbers = {account.uid: pk for pk, account in accounts.items()}
    for rule in rules:
        if rule.code == GROUP_RULE:
            yield from _group_firings(rule, in_groups, numbers)


def _group_firings(
    rule: Rule, groups: dict[int, list[tuple[str, Movement]]], numbers: dict[str, int]
) -> Iterator[_Firing]:
    for leader, rows in sorted(groups.items()):
        # A transfer inside the group stands on both sides: one line of it is enough.
        own = [row for row in rows if row[1].kind != "internal_in"]
        own.sort(key=lambda row: (row[1].at, row[1].ref))
        for uids, hit in evaluate_group(own, rule.parameters):
            yield _Firing(rule, leader, hit, tuple(numbers[uid] for uid in uids))


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
def _raise(firings: Iterable[_Firing], report: DetectReport, *, by: Actor) -> None:
    known = set(Alert.objects.values_list("fingerprint", flat=True))
    open_ones = {
        (alert.rule.code, alert.account_id): alert
        for alert in Alert.objects.filter(state__in=OPEN_ALERT_STATES)
        .select_related("rule").order_by("pk")
    }  # fmt: skip
    for firing in sorted(firings, key=attrgetter("hit.last_at", "rule.code", "account")):
        mark = firing.fingerprint
        if mark in known:
            report.num_known += 1
            continue
        known.add(mark)
        alert = _make(firing, mark)
        survivor = open_ones.get((firing.rule.code, firing.account))
        if survivor is None:
            open_ones[firing.rule.code, firing.account] = alert
            report.num_raised += 1
            continue
        merge_into(alert, survivor)
        report.num_merged += 1
    if report.num_raised or report.num_merged:
        counts = asdict(report)
        data = {name: counts[name] for name in ("num_raised", "num_merged")}
        record_event(None, "raise_alerts", "detection", by=by, data=data)


def _make(firing: _Firing, mark: str) -> Alert:
    hit, now = firing.hit, timezone.now()
    points, parts = score(firing.rule, hit.fiat)
    alert = Alert.objects.create(
        rule=firing.rule,
        account_id=firing.account,
        fingerprint=mark,
        values=[asdict(value) for value in hit.values],
        window_from=hit.first_at,
        window_to=hit.last_at,
        fiat=hit.fiat,
        severity=firing.rule.severity,
        rank=RANKS[firing.rule.severity],
        score=points,
        contributions=parts,
        raised_at=now,
        last_raised_at=now,
    )
    numbers = ExchangeRecord.objects.filter(ref__in=hit.refs).values_list("pk", flat=True)
    alert.records.add(*numbers)
    alert.linked_accounts.add(*firing.linked)
    return alert


def merge_into(alert: Alert, survivor: Alert) -> None:
    """Count a further firing in an open alert; its own row stays and is shown there."""
    swap_state(
        alert, ALERT, AlertAction.MERGE, "This alert",
        merged_into_id=survivor.pk, closed_at=timezone.now(),
    )  # fmt: skip
    Alert.objects.filter(pk=survivor.pk).update(
        num_merged=F("num_merged") + 1, last_raised_at=alert.raised_at
    )
