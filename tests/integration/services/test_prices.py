"""Prices: taken row by row with source and time, never changed, and named where money is shown."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from cases.models import AuditEvent, Price
from cases.policy import PermissionDenied
from cases.services.errors import ImportRefused
from cases.services.prices import add_prices, import_prices
from tests.casework import BTC, make_asset, person
from tests.held import make_held

pytestmark = pytest.mark.django_db

HEAD = "asset,currency,price,at,source,method\n"
GOOD = f"{BTC},USD,97000.50,2025-05-20T13:56:00Z,kaiko,spot"


def file(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "day.csv"
    path.write_text(head + "\n".join(lines) + "\n")
    return path


def test_each_row_is_taken_known_or_refused_with_its_reason(tmp_path: Path) -> None:
    make_asset()
    path = file(
        tmp_path, GOOD, GOOD,
        GOOD.replace("97000.50", "98000"),
        GOOD.replace("kaiko", "exchange"),
        GOOD.replace("97000.50", "-1").replace("13:56", "14:56"),
        GOOD.replace(BTC, "slip44:nothing"),
        GOOD.replace("2025", "2999"),
        GOOD.replace("USD", "usd"),
        f"{BTC},USD",
        GOOD.replace("13:56", "15:56") + ",50",
    )  # fmt: skip
    report = import_prices(path)
    assert (report.num_added, report.num_known) == (2, 1)
    told = [(each.number, each.reason) for each in report.refused]
    assert [number for number, _reason in told] == [3, 5, 6, 7, 8, 9, 10]
    for (_number, reason), words in zip(
        told,
        (
            "contradicts an earlier row",
            "positive price",
            "No asset",
            "future",
            "capital",
            "missing",
            "more cells",
        ),
        strict=True,
    ):
        assert words in reason
    event = AuditEvent.objects.get(action="import_prices")
    assert json.loads(event.data) | {"sha256": ""} == {
        "origin": "day.csv", "sha256": "", "num_added": 2, "num_known": 1, "num_refused": 7,
        "sources": ["exchange", "kaiko"],
    }  # fmt: skip
    again = import_prices(path)
    assert (again.num_added, again.num_known) == (0, 3)
    assert AuditEvent.objects.filter(action="import_prices").count() == 1


def test_another_price_under_the_same_source_and_time_is_refused(tmp_path: Path) -> None:
    make_asset()
    import_prices(file(tmp_path, GOOD))
    report = import_prices(file(tmp_path, GOOD.replace("97000.50", "98000")))
    assert [each.reason for each in report.refused] == [
        "This source stands at this time with another price already: 97000.5."
    ]
    assert Price.objects.get().loaded_at is not None


@pytest.mark.parametrize(
    ("head", "words"), [("a,b\n", "the first line must be"), ("", "the first line must be")]
)
def test_a_file_that_is_none_is_refused_whole(tmp_path: Path, head: str, words: str) -> None:
    with pytest.raises(ImportRefused, match=words):
        import_prices(file(tmp_path, head=head))
    with pytest.raises(ImportRefused, match="cannot be read"):
        import_prices(tmp_path / "none.csv")


def test_the_command_ends_with_a_fault_where_rows_were_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_asset()
    with pytest.raises(CommandError, match="Some rows"):
        call_command("load_prices", str(file(tmp_path, GOOD, "x")))
    assert "1 added, 0 known, 1 refused" in capsys.readouterr().out


def test_only_compliance_sends_prices() -> None:
    make_asset()
    row: Any = dict(zip(HEAD.strip().split(","), GOOD.split(","), strict=True))
    with pytest.raises(PermissionDenied):
        add_prices(prices=[row], by=person("supervisor"))
    assert add_prices(prices=[row], by=person("compliance")).num_added == 1


def test_the_price_of_a_freeze_stays_as_it_was() -> None:
    held = make_held()
    line = held.freeze.lines.first()
    assert line is not None
    assert line.price is not None
    for change in ({"price": 1}, {"source": "mine"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Price.objects.filter(pk=line.price.pk).update(**change)
