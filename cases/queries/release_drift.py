"""What a release relied on and would find otherwise today: its traces, and tags on its wallets."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from cases.dossier import Dossier
from cases.models import CaseRun, Referral, SharedRelease
from cases.policy import Actor
from cases.queries.referrals import releases_out
from tracing import reads

OWN = "house"


@dataclass(frozen=True, slots=True)
class ReleaseDrift:
    """One thing that would be otherwise; `number` is that of the dossier.

    A trace has `num_conclusions`; a tag its `label`, and whether it is gone or new.
    """

    number: str
    kind: str  # "trace", "tag_gone" or "tag_new"
    label: str = ""
    num_conclusions: int = 0


@dataclass(frozen=True, slots=True)
class ChangedReleases:
    """A trace that concludes something else today, and the releases that went out before that."""

    releases: list[SharedRelease]
    since: datetime


def changed_releases(actor: Actor, limit: int = 6) -> list[ChangedReleases]:
    """Drifted traces that releases in officers' hands cite, the oldest drift first: 2 queries.

    One that was sealed after the drift was noticed is none: whoever sealed it knew.
    """
    drifted = CaseRun.objects.visible_to(actor).exclude(drifted_at=None).values("run")
    rows = releases_out(actor).filter(referral__findings__amounts__run__in=drifted)
    rows = rows.annotate(run=F("referral__findings__amounts__run")).distinct()
    cited: defaultdict[UUID, list[SharedRelease]] = defaultdict(list)
    for release in rows.order_by("number"):
        cited[release.run].append(release)
    found = []
    for run, drift in reads.drifts(cited).items():
        before = [each for each in cited[run] if each.sealed_at < drift.noticed_at]
        if before:
            found.append(ChangedReleases(before, drift.noticed_at))
    return sorted(found, key=lambda each: each.since)[:limit]


def release_drift(referral: Referral, dossier: Dossier) -> list[ReleaseDrift]:
    """Traces that drifted and tags that came or went since the release was sealed.

    Tags of wallets whose names were left out are not looked at. 3 queries, and 1 more a ledger.
    """
    cited = {
        amount.result_sha256: amount.run
        for finding in referral.findings.prefetch_related("amounts")
        for amount in finding.amounts.all()
        if amount.run
    }
    drifts = reads.drifts(set(cited.values()))
    found = []
    for run in dossier.runs:
        drift = drifts.get(cited.get(run.result_sha256))  # type: ignore[arg-type]  # None has none
        if drift is not None and drift.num_conclusions:
            found.append(ReleaseDrift(run.number, "trace", num_conclusions=drift.num_conclusions))
    return found + _tags(dossier)


def _tags(dossier: Dossier) -> list[ReleaseDrift]:
    told = {(tag.address, tag.label): tag.wallet for tag in dossier.tags}
    numbers = {w.address: w.number for w in dossier.wallets if isinstance(w.label, str)}
    now: set[tuple[str, str]] = set()
    for ledger in sorted({wallet.ledger for wallet in dossier.wallets}):
        for address, tags in reads.direct_tags(ledger, numbers).items():
            now |= {(address, tag.label) for tag in tags if tag.licence or tag.pack_sha256 == OWN}
    gone = [ReleaseDrift(told[key], "tag_gone", key[1]) for key in told if key not in now]
    new = [
        ReleaseDrift(numbers[key[0]], "tag_new", key[1]) for key in sorted(now) if key not in told
    ]
    return gone + new
