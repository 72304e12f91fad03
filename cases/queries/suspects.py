"""Suspects of a case with names and accounts; customer data only after it was revealed."""

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from cases.models import (
    AccountLink,
    Case,
    Suspect,
    SuspectAccount,
    SuspectName,
)
from cases.policy import Actor
from cases.queries.keyset import Page, newest_first


@dataclass(frozen=True)
class LinkedAccount:
    """An account linked to a suspect and the accounts that share something with it."""

    link: SuspectAccount
    neighbours: list[AccountLink]


@dataclass(frozen=True)
class SuspectCard:
    """A suspect as the tab shows it."""

    suspect: Suspect
    names: list[SuspectName]
    accounts: list[LinkedAccount]
    num_findings: int

    @property
    def heading(self) -> str:
        """The first name given, or the reference of a suspect without one."""
        return self.names[0].full if self.names else self.suspect.reference


def case_suspects(case: Case) -> list[SuspectCard]:
    """The suspects of a case by reference: 5 queries, any number of suspects."""
    suspects = list(_with_parts(case.suspects.all()).order_by("reference"))
    neighbours = _neighbours(
        [link.account_id for suspect in suspects for link in suspect.accounts.all()]
    )
    return [
        SuspectCard(
            suspect,
            list(suspect.names.all()),
            [
                LinkedAccount(link, neighbours.get(link.account_id, []))
                for link in suspect.accounts.all()
            ],
            len(suspect.findings.all()),
        )
        for suspect in suspects
    ]


def suspect_list(actor: Actor, after: str = "") -> Page:
    """All suspects the actor may see, newest first: 4 queries, any page size."""
    suspects = _with_parts(Suspect.objects.visible_to(actor)).select_related("case")
    return newest_first(suspects, "added_at", after)


def _with_parts(suspects: QuerySet[Suspect]) -> QuerySet[Suspect]:
    return suspects.prefetch_related(
        Prefetch("names", SuspectName.objects.order_by("pk")),
        Prefetch("accounts", SuspectAccount.objects.select_related("account").order_by("pk")),
        "findings",
    )


def _neighbours(accounts: list[int]) -> dict[int, list[AccountLink]]:
    found: dict[int, list[AccountLink]] = {}
    rows = AccountLink.objects.filter(account__in=accounts).select_related("other_account")
    for row in rows.order_by("pk"):
        found.setdefault(row.account_id, []).append(row)
    return found
