"""What the house is told of an officer's e-mail before it believes or sends."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from cases.lookalikes import DomainVerdict, judge_any
from cases.services.agencies import entry_of


def domain_warning(email: str, agency: object) -> str:
    """A sentence where the address is not under a domain that we verified; "" where it is.

    1 query: the domains that two people put in force, else the one of the agency.
    """
    entry = entry_of(agency.pk)  # type: ignore[attr-defined]  # a row of fiu.Agency
    domains = entry.domains if entry else [agency.domain]  # type: ignore[attr-defined]
    return verdict_words(judge_any(email, domains).value, email, domains)


def verdict_words(verdict: str, email: str, domains: Iterable[str]) -> str:
    """The sentence of a verdict, "" for an address of the agency's own."""
    domain = " / ".join(domains)
    match DomainVerdict(verdict):
        case DomainVerdict.SAME:
            return ""
        case DomainVerdict.NONE:
            return _("no e-mail address to compare with %(ours)s") % {"ours": domain}
        case DomainVerdict.LOOK_ALIKE:
            words = _("%(theirs)s only looks like %(ours)s: call back before anything else")
        case _other:
            words = _("%(theirs)s is not %(ours)s")
    return words % {"theirs": email.rpartition("@")[2], "ours": domain}
