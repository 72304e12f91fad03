"""What an instrument of a country may obtain: rows that one person proposed and another decided."""

from django.db import models
from django.db.models import Q

from cases.models.base import state_is_known
from cases.models.proposals import Proposal, decided_by_a_second_person
from cases.request_words import INSTRUMENTS, join_datasets
from cases.states import PolicyState


class LegalRow(Proposal):
    """One row of the legal matrix; `country` is "*" for any, `datasets` may be empty."""

    instrument = models.CharField(max_length=20, choices=list(INSTRUMENTS.items()))
    country = models.CharField(max_length=2)
    datasets = models.CharField(max_length=120, blank=True)
    note = models.CharField(max_length=300)
    source = models.CharField(max_length=300)
    is_verified = models.BooleanField(default=False)  # counsel has read the source

    class Meta:
        constraints = [
            state_is_known("legal_row_state_is_known", PolicyState),
            models.UniqueConstraint(
                name="one_legal_row_in_force", fields=["instrument", "country"],
                condition=Q(state="in_force"),
            ),
            decided_by_a_second_person("legal_row_decided_by_a_second_person"),
            models.CheckConstraint(name="legal_row_names_its_source", condition=~Q(source="")),
        ]  # fmt: skip

    @property
    def named(self) -> list[str]:
        """The names of what may be obtained, in the order of the list."""
        return join_datasets(self.datasets.split()).split()
