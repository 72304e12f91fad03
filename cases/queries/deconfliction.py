"""Whether another case touches an address: yes or no, and nothing else of it."""

from django.db.models import QuerySet

from cases.acting import acting_as
from cases.models import Case, Wallet
from cases.policy import SYSTEM, Actor


def is_touched_elsewhere(wallet: Wallet, actor: Actor) -> bool:
    """Whether a case that the actor may not see holds the same address: 1 query.

    A sealed case is told of to nobody, nor one from which the actor is walled off: for those it
    does not exist. Those one may see stand on the page by name.
    """
    with acting_as(SYSTEM):  # about cases that the actor does not see
        return telling_cases(wallet, actor).exists()


def telling_cases(wallet: Wallet, actor: Actor) -> QuerySet[Case]:
    """The cases behind the answer. Never for a screen; evaluate it as the system."""
    rows = hidden_cases(wallet, actor).exclude(visibility="sealed")
    return rows.exclude(blocks__user_id=actor.person)


def hidden_cases(wallet: Wallet, actor: Actor) -> QuerySet[Case]:
    """Every case with this address that the actor may not see, sealed ones and all."""
    same = Wallet.objects.filter(ledger=wallet.ledger, address=wallet.address)
    seen = Case.objects.visible_to(actor).values("pk")
    rows: QuerySet[Case] = Case.objects.filter(pk__in=same.values("case_id"))
    rows = rows.exclude(pk=wallet.case_id)
    return rows.exclude(pk__in=seen)
