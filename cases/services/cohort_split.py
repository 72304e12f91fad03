"""Splitting a cohort by jurisdiction: one referral an agency, each with its own customers alone."""

from collections.abc import Mapping, Sequence

from django.apps import apps
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Cohort, CohortMember, Finding, Referral, ReferralMember
from cases.policy import Action, Actor, require
from cases.services.audit import record_event, record_read
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.referrals import draft_referral
from cases.services.validation import require_text


@transaction.atomic
def split_cohort(
    cohort: Cohort,
    *,
    recipients: Mapping[str, int],
    findings: Sequence[Finding],
    purpose: str,
    legal_gateway: str,
    by: Actor,
) -> list[Referral]:
    """Draft one referral for each agency, naming the exportable customers of its countries.

    Each goes the way of every referral: left out, approved and cleared by others, then sealed.
    Names leave the house with it, so the purpose is kept as a look at all of them.

    Args:
        recipients: agency by country; customers of other countries go nowhere.
        findings: approved ones of the case that say whose addresses the platform's are.

    Raises PermissionDenied, CaseworkError.
    """
    case = enter_case(cohort.case_id, Action.DRAFT_REFERRAL, by=by)
    require(by, Action.REVEAL_CUSTOMER)
    told = require_text(purpose, _("Say what the agencies may use it for."))
    rows = CohortMember.objects.filter(
        cohort=cohort, is_exportable=True, country__in=list(recipients)
    ).order_by("pk")
    parts: dict[int, list[CohortMember]] = {}
    for member in rows:
        parts.setdefault(recipients[member.country], []).append(member)
    if not parts:
        raise CaseworkError(_("No customer who may be exported lives in these countries."))
    agencies = apps.get_model("fiu", "Agency").objects.in_bulk(list(parts))
    drafted = []
    for agency, members in sorted(parts.items()):
        if agency not in agencies:
            raise CaseworkError(_("This agency is not known."))
        subject, summary = _words(cohort, len(members))
        referral = draft_referral(
            case, agency_id=agency, kind="spontaneous", findings=findings, freezes=(),
            subject=subject, summary=summary, purpose=told, legal_gateway=legal_gateway,
            caveats="", tlp="AMBER", handling_code="H1", by=by,
        )  # fmt: skip
        ReferralMember.objects.bulk_create(
            ReferralMember(referral=referral, member=member) for member in members
        )
        drafted.append(referral)
    record_event(
        case, "split_cohort", f"cohort:{cohort.public_id}", by=by,
        data={
            "num_members": sum(len(members) for members in parts.values()),
            "referrals": [referral.reference for referral in drafted],
        },
    )  # fmt: skip
    record_read(case, "split_cohort", f"cohort:{cohort.public_id}", by=by, purpose=told)
    return drafted


def _words(cohort: Cohort, number: int) -> tuple[str, str]:
    """Subject and summary in English, whatever language the drafter reads: it leaves the house."""
    with translation.override("en"):
        values = {"n": number, "name": cohort.platform}
        summary = ngettext(
            "%(n)s customer of this exchange paid %(name)s. What ties the payment to the"
            " customer, and what else would explain it, stands beside it.",
            "%(n)s customers of this exchange paid %(name)s. What ties each payment to its"
            " customer, and what else would explain it, stands beside it.",
            number,
        )
        return _("Customers who paid %(name)s") % values, summary % values
