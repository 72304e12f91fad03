"""The legal acts on a freeze request in words: what each does, to whom, and who is told."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from cases.models import Case
from cases.policy import Action, Actor, Role
from cases.queries.freezes import Card, FreezePage, Standing
from cases.web.acts import Act, Fact, exact_words, needs_code, why_not, why_not_sign

# Route name -> right. The order is that of the buttons.
ACTS = {
    "approve": Action.APPROVE_FREEZE,
    "ratify": Action.APPROVE_FREEZE,
    "place_provisional": Action.PLACE_PROVISIONAL_FREEZE,
    "execute": Action.EXECUTE_FREEZE,
    "reject": Action.APPROVE_FREEZE,
    "cancel": Action.CANCEL_FREEZE,
}
MOST_FACTS = 12
DECISIONS = ("approve", "ratify", "reject")


def freeze_act(actor: Actor, page: FreezePage, name: str) -> Act:
    """One act on one request; `blocked` says why this person may not do it."""
    card, freeze = page.card, page.card.freeze
    first: tuple[int | None, ...] = ()
    if name in DECISIONS:
        first = (freeze.requested_by_id, freeze.last_edited_by_id, freeze.provisional_by_id)
    title, effect, verb, icon = _words(name, freeze.reference)
    account = card.lines[0].line.account.uid[-4:] if card.lines else ""
    outward = name in ("approve", "ratify", "place_provisional")
    decides = name in DECISIONS
    blocked = (
        why_not_sign(actor, ACTS[name], freeze, *first) if decides else why_not(actor, ACTS[name])
    )
    if name == "place_provisional":
        blocked = why_no_hold(actor, freeze.case)
    if name in DECISIONS and not blocked and _has_signed(actor, page):
        blocked = _("You signed this already: it needs another person.")
    if name in ("approve", "ratify") and not blocked:
        blocked = _rests_on_nothing(card)
    if name in ("approve", "place_provisional") and not blocked:
        blocked = _held_already(page.standing)
    return Act(
        id=f"{name}-{freeze.public_id}",
        url=reverse(f"freeze_{name}", args=[freeze.public_id]),
        title=title,
        effect=effect,
        verb=verb,
        icon=icon,
        cancel_url=reverse("freeze_detail", args=[freeze.public_id]),
        facts=_facts(card),
        note=_("You did not ask for this, so you may give the second signature.")
        if name in ("approve", "ratify")
        else "",
        confirm=_("Type the last four characters of the first account") if outward else "",
        expected=account if outward else "",
        danger=name in ("reject", "cancel"),
        content_hash=freeze.content_hash,
        blocked=blocked,
        needs_code=name in DECISIONS and needs_code(actor),
    )


def why_no_hold(actor: Actor, case: Case) -> str:
    """Why this person may not hold at once in this case, "" when they may."""
    blocked = why_not(actor, Action.PLACE_PROVISIONAL_FREEZE)
    is_embargoed = case.operation is not None and case.operation.is_embargoed
    if not blocked and is_embargoed and actor.role != Role.COMPLIANCE:
        return _("Until the operation's embargo ends only compliance holds.")
    return blocked


def _rests_on_nothing(card: Card) -> str:
    """Why the service would refuse: what was held before any finding has to cite one first."""
    if all(view.line.finding_id or view.line.instrument_id for view in card.lines):
        return ""
    return _("Cite the evidence first: only a provisional hold can do without.")


def _has_signed(actor: Actor, page: FreezePage) -> bool:
    """One of several people whom the policy asks for signs once."""
    return any(
        each.user_id == actor.user_id and each.content_hash == page.card.freeze.content_hash
        for each in page.approvals
    )


def _held_already(standing: Sequence[Standing]) -> str:
    """Why the exchange would refuse: an asset of an account is held once only."""
    for each in standing:
        if each.held:
            return _("%(amount)s of %(account)s is held already.") % {
                "amount": exact_words(each.held, each.asset),
                "account": each.account.masked,
            }
    return ""


def _facts(card: Card) -> list[Fact]:
    """What is held: each amount, what is blocked, on which basis, until when."""
    freeze = card.freeze
    facts = [
        Fact(
            view.line.account.masked,
            exact_words(view.amount, view.line.asset),
            f"USD {view.fiat:,.2f}" if view.fiat is not None else _("no price"),
        )
        for view in card.lines[:MOST_FACTS]
    ]
    if (more := len(card.lines) - MOST_FACTS) > 0:
        facts.append(Fact(_("Further lines"), str(more), _("all of them stand on the page")))
    if card.fiat is not None:
        facts.append(Fact(_("Together"), f"USD {card.fiat:,.2f}", _("at the last price")))
    facts.append(Fact(_("Blocks"), str(freeze.get_restriction_display())))
    if freeze.expires_at is None:
        facts.append(Fact(_("Ends"), _("when somebody decides so")))
    else:
        facts.append(Fact(_("Ends"), f"{freeze.expires_at:%Y-%m-%d %H:%M} UTC"))
    facts.append(Fact(_("Basis"), str(freeze.get_legal_basis_display())))
    if freeze.agency:
        facts.append(Fact(_("Authority"), freeze.agency.name))
    return facts


def _words(name: str, reference: str) -> tuple[str, str, str, str]:
    number = {"reference": reference}
    return {
        "approve": (
            _("Approve freeze %(reference)s?") % number,
            _("The exchange blocks these amounts at once. The customer is not told."),
            _("Approve and freeze"), "snowflake",
        ),
        "ratify": (
            _("Ratify hold %(reference)s?") % number,
            _("The provisional hold stays until somebody decides otherwise. "
              "The customer is not told."),
            _("Ratify hold"), "snowflake",
        ),
        "place_provisional": (
            _("Place a provisional hold for %(reference)s?") % number,
            _("The exchange blocks these amounts at once. Unless compliance ratifies it, the hold "
              "lapses and the amounts are released. The customer is not told."),
            _("Hold now"), "hourglass",
        ),
        "execute": (
            _("Send %(reference)s to the exchange again?") % number,
            _("Every line that was refused is asked for again, with a new key."),
            _("Send again"), "send",
        ),
        "reject": (
            _("Reject %(reference)s?") % number,
            _("This content is refused for good. What is held provisionally is released."),
            _("Reject"), "circle-x",
        ),
        "cancel": (
            _("Cancel %(reference)s?") % number,
            _("The request ends. Nothing is held under it."),
            _("Cancel request"), "ban",
        ),
    }[name]  # fmt: skip
