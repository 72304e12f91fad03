"""The acts on a seizure in words: the call back, the two keys, the transfer."""

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import Seizure
from cases.policy import Action, Actor
from cases.states import SeizureState
from cases.web.acts import Act, Fact, exact_words, needs_code, why_not

RIGHTS = {
    "confirm": Action.APPROVE_SEIZURE,
    "approve": Action.APPROVE_SEIZURE,
    "reject": Action.APPROVE_SEIZURE,
    "transfer": Action.TRANSFER_SEIZURE,
}


def acts_of(actor: Actor, seizure: Seizure) -> list[Act]:
    """What can happen next with a seizure, whether or not this person may do it."""
    if seizure.state == SeizureState.REQUESTED:
        first = [] if seizure.confirmed_by_id else ["confirm"]
        return [seizure_act(actor, seizure, name) for name in (*first, "approve", "reject")]
    if seizure.state == SeizureState.SEIZED:
        return [seizure_act(actor, seizure, "transfer")]
    return []


def seizure_act(actor: Actor, seizure: Seizure, name: str) -> Act:
    """One act; `blocked` says why this person may not do it. Lines and people are fetched."""
    lines = list(seizure.lines.all())
    title, effect, verb, icon = _words(name, seizure.reference)
    goes_out = name in ("approve", "transfer")
    account = lines[0].line.account.uid[-4:] if lines else ""
    blocked = why_not(actor, RIGHTS[name], seizure.requested_by_id)
    if name == "approve" and not blocked:
        blocked = _why_no_key(actor, seizure)
    return Act(
        id=f"seizure-{name}-{seizure.public_id}",
        url=reverse(f"seizure_{name}", args=[seizure.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        danger=name == "reject",
        cancel_url=reverse("freeze_detail", args=[seizure.freeze.public_id]),
        facts=[
            *(
                Fact(
                    each.line.account.masked,
                    exact_words(
                        each.seized - each.transferred if name == "transfer" else each.amount,
                        each.line.asset,
                    ),
                )
                for each in lines
            ),
            Fact(_("To"), seizure.agency.name, seizure.destination),
            Fact(_("Order"), _order(seizure)),
            Fact(_("Address confirmed"), seizure.confirmed_how or _("not yet")),
            Fact(_("Reason"), seizure.reason),
        ],
        confirm=_("Type the last four characters of the first account") if goes_out else "",
        expected=account if goes_out else "",
        content_hash=seizure.content_hash,
        blocked=blocked,
        needs_code=needs_code(actor),
    )


def _order(seizure: Seizure) -> str:
    paper = seizure.instrument
    return f"{paper.get_type_display()} {paper.number}" if paper else _("none")


def _why_no_key(actor: Actor, seizure: Seizure) -> str:
    if seizure.confirmed_by_id is None:
        return _("First somebody calls the authority back about the address.")
    signed = [
        each for each in seizure.approvals.all()
        if each.decision == "approve" and each.content_hash == seizure.content_hash
    ]  # fmt: skip
    if any(each.user_id == actor.user_id for each in signed):
        return _("You turned your key: the other one is missing.")
    return ""


def _words(name: str, reference: str) -> tuple[str, str, str, str]:
    number = {"reference": reference}
    return {
        "confirm": (
            _("Confirm the address of %(reference)s?") % number,
            _("Say whom of the authority you reached, on the number known beforehand."),
            _("Address confirmed"), "smartphone",
        ),
        "approve": (
            _("Turn a key for %(reference)s?") % number,
            _("With the keys of a supervisor and of compliance the exchange takes these amounts "
              "from the account. The customer is not told."),
            _("Turn key"), "key-round",
        ),
        "reject": (
            _("Reject %(reference)s?") % number, _("Everything stays held."),
            _("Reject seizure"), "circle-x",
        ),
        "transfer": (
            _("Send %(reference)s to the authority?") % number,
            _("The exchange sends what was seized to this address. It cannot be called back."),
            _("Send it"), "send",
        ),
    }[name]  # fmt: skip
