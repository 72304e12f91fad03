"""A draft says so when it asks for more than is there, and shows what its finding says."""

from typing import Any

import pytest

from cases.models import FreezeRequest
from cases.policy import Actor
from cases.queries.freezes import freeze_for_page, freeze_page
from cases.services.errors import CaseworkError
from cases.services.freezes import LineSpec, content_hash_of, request_freeze
from tests.casework import BTC, make_account, make_approved_finding, make_balance, make_case, person

pytestmark = pytest.mark.django_db


def drafted(by: Actor, requested: int, **line: Any) -> FreezeRequest:
    case, account = make_case(by), make_account()
    make_balance(account, 900_000_000)
    finding = make_approved_finding(case, by)
    return request_freeze(
        case, legal_basis="internal_suspicion", restriction="all", urgency="routine",
        agency_id=None, reason="Proceeds.",
        lines=[LineSpec(account.pk, BTC, requested, finding.pk, **line)], by=by,
    )  # fmt: skip


def test_a_draft_for_more_than_the_balance_says_why() -> None:
    by = person("analyst")
    drafted(by, 900_000_000)
    with pytest.raises(CaseworkError, match="had less BTC than that"):
        drafted(by, 900_000_001)
    freeze = drafted(by, 900_000_001, beyond_balance="A deposit is on its way.")
    assert freeze.lines.get().beyond_balance == "A deposit is on its way."
    before = content_hash_of(freeze)
    freeze.lines.update(beyond_balance="Another reason.")
    assert content_hash_of(freeze) != before  # it is signed with the rest


@pytest.mark.parametrize(("requested", "is_more"), [(860_000_000, False), (860_000_001, True)])
def test_the_page_sets_a_line_beside_what_its_finding_says(requested: int, is_more: bool) -> None:
    by = person("analyst")
    freeze = drafted(by, requested)
    (hint,) = freeze_page(freeze_for_page(by).get(pk=freeze.pk), by).hints
    assert (hint.low, hint.high, hint.is_more) == (620_000_000, 860_000_000, is_more)
