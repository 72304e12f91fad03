"""The decisions on extensions and releases in words: what each does and who is told."""

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import FreezeExtension, FreezeRelease
from cases.policy import Action, Actor
from cases.web.acts import Act, Fact, exact_words, needs_code, why_not_sign

DECISIONS = ("approve", "reject")


def extension_act(actor: Actor, extension: FreezeExtension, name: str) -> Act:
    """Approve or reject a longer hold."""
    number = {"reference": extension.reference}
    approves = name == "approve"
    return Act(
        id=f"extension-{name}-{extension.public_id}",
        url=reverse(f"extension_{name}", args=[extension.public_id]),
        title=(_("Extend by %(reference)s?") if approves else _("Reject %(reference)s?")) % number,
        effect=_("The freeze continues and ends later. The customer is not told.")
        if approves
        else _("The freeze continues unchanged and ends as before."),
        verb=_("Extend") if approves else _("Reject extension"),
        icon="clock" if approves else "circle-x",
        danger=not approves,
        cancel_url=reverse("freeze_detail", args=[extension.freeze.public_id]),
        facts=[
            Fact(_("Basis"), str(extension.get_basis_display())),
            Fact(_("Until"), f"{extension.until:%Y-%m-%d %H:%M} UTC", extension.reason),
        ],
        content_hash=extension.content_hash,
        blocked=why_not_sign(
            actor, Action.EXTEND_FREEZE, extension.freeze, extension.requested_by_id
        ),
        needs_code=needs_code(actor),
    )


def release_act(actor: Actor, release: FreezeRelease, name: str) -> Act:
    """Approve or reject the release of amounts; an approval reaches the exchange."""
    number = {"reference": release.reference}
    approves = name == "approve"
    lines = list(release.lines.all())
    account = lines[0].line.account.uid[-4:] if lines else ""
    return Act(
        id=f"release-{name}-{release.public_id}",
        url=reverse(f"freeze_release_{name}", args=[release.public_id]),
        title=(_("Release by %(reference)s?") if approves else _("Reject %(reference)s?")) % number,
        effect=_("The exchange frees these amounts at once; the customer can move them.")
        if approves
        else _("Everything stays held."),
        verb=_("Release") if approves else _("Reject release"),
        icon="undo-2" if approves else "circle-x",
        danger=not approves,
        cancel_url=reverse("freeze_detail", args=[release.freeze.public_id]),
        facts=[
            *(
                Fact(each.line.account.masked, exact_words(each.amount, each.line.asset))
                for each in lines
            ),
            Fact(_("Reason"), release.reason),
        ],
        confirm=_("Type the last four characters of the first account") if approves else "",
        expected=account if approves else "",
        content_hash=release.content_hash,
        blocked=why_not_sign(actor, Action.RELEASE_FREEZE, release.freeze, release.requested_by_id),
        needs_code=needs_code(actor),
    )
