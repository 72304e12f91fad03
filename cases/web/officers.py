"""What the house is told of an officer's e-mail before it believes or sends."""

from django.utils.translation import gettext as _

from cases.lookalikes import DomainVerdict, judge


def domain_warning(email: str, domain: str) -> str:
    """A sentence where the address is not under the domain that we verified; "" where it is."""
    match judge(email, domain):
        case DomainVerdict.SAME:
            return ""
        case DomainVerdict.NONE:
            return _("no e-mail address to compare with %(ours)s") % {"ours": domain}
        case DomainVerdict.LOOK_ALIKE:
            words = _("%(theirs)s only looks like %(ours)s: call back before anything else")
        case _other:
            words = _("%(theirs)s is not %(ours)s")
    return words % {"theirs": email.rpartition("@")[2], "ours": domain}
