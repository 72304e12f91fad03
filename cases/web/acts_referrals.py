"""The legal acts on a referral in words: what each does, who decides, who is told."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.http import AuthedRequest
from cases.models import Referral, SharedRelease
from cases.policy import Action
from cases.states import ReferralAction
from cases.web.acts import Act, Fact, needs_code, why_not
from cases.web.forms_referrals import SendForm

# Route name -> state action and right. The order is that of the buttons.
ACTS = {
    "approve": (ReferralAction.APPROVE, Action.APPROVE_REFERRAL),
    "clear": (ReferralAction.CLEAR, Action.CLEAR_REFERRAL),
    "package": (ReferralAction.PACKAGE, Action.SEND_REFERRAL),
    "send": (ReferralAction.SEND, Action.SEND_REFERRAL),
    "return": (ReferralAction.RETURN, Action.APPROVE_REFERRAL),
    "recall": (ReferralAction.RECALL, Action.RECALL_REFERRAL),
}
SECOND_PERSON = ("approve", "clear", "recall")
STEP_UP = ("approve", "clear", "send")
OUTWARD = ("send", "recall")


@dataclass
class ReferralAct(Act):
    """An act that may carry fields of its own above the reason."""

    form: SendForm | None = None


def referral_act(
    request: AuthedRequest, referral: Referral, release: SharedRelease | None, name: str
) -> ReferralAct:
    """One act on one referral; `blocked` says why this person may not do it."""
    right = ACTS[name][1]
    first = (referral.drafted_by_id, referral.last_edited_by_id) if name in SECOND_PERSON else ()
    title, effect, verb, icon = _words(name, referral)
    number = release.number if release and name in OUTWARD else ""
    blocked = why_not(request.actor, right, *first)
    if name == "clear" and not blocked and not referral.legal_gateway:
        blocked = _("Name the legal gateway first: return the referral to its author.")
    form = SendForm(referral, request.POST or None) if name == "send" else None
    return ReferralAct(
        id=f"{name}-{referral.public_id}",
        url=reverse(f"referral_{name}", args=[referral.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("referral_detail", args=[referral.public_id]),
        facts=_facts(referral, release),
        note=_("You did not write this, so you may decide as the second person.")
        if name in ("approve", "clear") and not blocked
        else "",
        confirm=_("Type the last four characters of the release number") if number else "",
        expected=number[-4:],
        danger=name == "recall",
        content_hash=referral.content_hash,
        blocked=blocked,
        needs_code=name in STEP_UP and needs_code(request.actor),
        form=form,
    )


def _facts(referral: Referral, release: SharedRelease | None) -> list[Fact]:
    facts = [
        Fact(_("Recipient"), referral.agency.name, referral.agency.short_name),
        Fact(_("Marking"), f"TLP:{referral.tlp}, {referral.handling_code}"),
        Fact(_("Legal gateway"), referral.legal_gateway or _("not named yet")),
    ]
    if release is not None:
        facts.append(Fact(_("Release"), f"{release.number} v{release.version}"))
    return facts


def _words(name: str, referral: Referral) -> tuple[str, str, str, str]:
    words = {"reference": referral.reference, "agency": referral.agency.short_name}
    return {
        "approve": (
            _("Approve %(reference)s?") % words,
            _("You confirm the content as shown, with what is left out. Nothing leaves yet: "
              "compliance clears it next."),
            _("Approve content"), "circle-check",
        ),
        "clear": (
            _("Clear %(reference)s by law?") % words,
            _("You confirm that the legal gateway carries this content to %(agency)s. "
              "It can then be sealed.") % words,
            _("Clear for release"), "shield-check",
        ),
        "package": (
            _("Seal the release of %(reference)s?") % words,
            _("The content gets its number and hashes and never changes again. "
              "Nobody outside is told yet."),
            _("Seal release"), "package",
        ),
        "send": (
            _("Send %(reference)s to %(agency)s?") % words,
            _("Each chosen officer can read and download a copy with a watermark of their own, "
              "from now until the day you set. The customers are not told."),
            _("Send release"), "send",
        ),
        "return": (
            _("Return %(reference)s?") % words,
            _("It becomes a draft again and every approval is void; its author sees your reason."),
            _("Return to draft"), "undo-2",
        ),
        "recall": (
            _("Recall the release of %(reference)s?") % words,
            _("No officer can open it from this moment. What was downloaded stays where it is; "
              "the record of it stays here."),
            _("Recall release"), "ban",
        ),
    }[name]  # fmt: skip
