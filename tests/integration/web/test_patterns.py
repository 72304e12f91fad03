"""The page of patterns and the log of outside look-ups: what they say, and to whom."""

import pytest
from django.urls import reverse

from cases.web.patterns import lasting, row_of
from tests.casework import make_user
from tests.conftest import SignIn
from tests.integration.web.conftest import Room
from tracing.engine.patterns import Pattern
from tracing.ledger_views import BITCOIN_UNIT
from tracing.models import OutsideLookup

pytestmark = pytest.mark.django_db
LOG = reverse("outside_lookup_list")


def test_the_page_says_what_fits_or_that_nothing_does(room: Room) -> None:
    url = reverse("address_patterns", args=[room.bank.public_id])
    page = room.client.get(url).content.decode()
    assert "looked at" in page
    assert "No pattern fits" in page
    assert (
        url
        in room.client.get(reverse("address_detail", args=[room.bank.public_id])).content.decode()
    )
    assert room.outsider.get(url).status_code == 404


def test_facts_are_told_by_what_they_are() -> None:
    facts = (("payers", "1200"), ("seconds", "7200"), ("amount", "5"), ("permille", "985"))
    row = row_of(Pattern("fan_in", "high", facts, ("ab:0", "cd:1")), BITCOIN_UNIT)
    assert [each[1:] for each in row.facts] == [
        ("text", "1,200"), ("text", "2 hours"), ("money", 5), ("text", "98.5 %"),
    ]  # fmt: skip
    assert (row.places, row.num_places, row.is_sure) == (["ab", "cd"], 2, True)
    assert (lasting(59), lasting(60), lasting(90_000)) == ("59 seconds", "1 minute", "1 day")


def test_the_log_is_for_compliance_and_auditors_and_names_no_address_to_these(
    sign_in: SignIn,
) -> None:
    compliance, auditor = sign_in(make_user("compliance")), sign_in(make_user("auditor"))
    assert "Nobody asked outside" in compliance.get(LOG).content.decode()
    OutsideLookup.objects.bulk_create(
        OutsideLookup(
            source="outside", host="esplora.example", purpose=f"first look {number}",
            subject="bcrt1qsomebody", by="mei", num_requests=2,
        )
        for number in range(51)
    )  # fmt: skip
    page = compliance.get(LOG).content.decode()
    for told in ("esplora.example", "first look 50", "mei", "bcrt1qsomebody"[:6]):
        assert told in page
    assert "first look 0<" not in page
    before = OutsideLookup.objects.order_by("-pk")[49].pk
    assert f"before={before}" in page
    assert "first look 0<" in compliance.get(LOG, {"before": before}).content.decode()
    told = auditor.get(LOG).content.decode()
    assert "first look 50" in told
    assert "bcrt1qsomebody"[:6] not in told
    assert LOG in auditor.get(reverse("audit_list")).content.decode()
    analyst = sign_in(make_user("analyst"))
    assert analyst.get(LOG).status_code == 404
    assert LOG not in analyst.get(reverse("audit_list")).content.decode()
