"""Reporting back what came of a release: by an officer to whom it is open."""

import json
from datetime import date, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.dossier import from_json
from cases.models import Outcome
from cases.policy import Action, Actor, require
from cases.release_words import OUTCOMES
from cases.services.audit import record_event
from cases.services.errors import CaseworkError
from cases.services.liaison import open_grant
from cases.services.locks import lock_case

LONGEST = 2_000
MOST_A_DAY = 50
"""Reports of one officer on one release within 24 hours."""
MOST_COUNTED = 1_000


@transaction.atomic
def report_outcome(
    public_id: UUID,
    *,
    kind: str,
    number: int,
    happened_on: date,
    asset: str = "",
    base: int = 0,
    text: str = "",
    by: Actor,
) -> Outcome:
    """Keep one outcome of a release that is open to the officer; `base` is in base units.

    Raises PermissionDenied, NotFound where no grant is open, CaseworkError.
    """
    grant = open_grant(public_id, by)
    lock_case(grant.release.referral.case_id)
    require(by, Action.REPORT_OUTCOME)
    grant = open_grant(public_id, by)  # it may have ended while we waited
    since = timezone.now() - timedelta(days=1)
    if Outcome.objects.filter(grant=grant, at__gt=since).count() >= MOST_A_DAY:
        raise CaseworkError(_("You reported %(n)d times today: go on tomorrow.") % {
            "n": MOST_A_DAY
        })  # fmt: skip
    if kind not in dict(OUTCOMES):
        raise CaseworkError(_("Choose what happened from the list."))
    if kind == "no_action" and number:
        raise CaseworkError(_("Where nothing follows there is nothing to count."))
    if kind != "no_action" and not 1 <= number <= MOST_COUNTED:
        raise CaseworkError(_("Say how many, from 1 to %(n)d.") % {"n": MOST_COUNTED})
    if happened_on > timezone.now().date():
        raise CaseworkError(_("This day has not come yet."))
    if asset and kind != "seizure":
        raise CaseworkError(_("Only a seizure names an amount."))
    if asset and not 0 < base < 10**38:
        raise CaseworkError(_("Give the amount that was seized."))
    if asset and asset not in _held_assets(grant.release.dossier):
        raise CaseworkError(_("This release holds nothing of this asset."))
    words = text.strip()
    if len(words) > LONGEST:
        raise CaseworkError(_("At most %(n)d characters.") % {"n": LONGEST})
    outcome: Outcome = Outcome.objects.create(
        release=grant.release, grant=grant, kind=kind, number=number, asset=asset,
        base=base if asset else 0, happened_on=happened_on, text=words, at=timezone.now(),
    )  # fmt: skip
    referral = grant.release.referral
    record_event(
        referral.case, "report_outcome", referral.reference, by=by,
        data={"release": grant.release.number, "kind": kind, "number": number},
    )  # fmt: skip
    return outcome


def _held_assets(dossier: str) -> set[str]:
    """The assets of the frozen lines of a sealed dossier."""
    freezes = from_json(json.loads(dossier)).freezes
    return {line.asset for freeze in freezes for line in freeze.lines}
