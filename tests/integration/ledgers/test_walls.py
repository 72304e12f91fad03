"""The walls a snapshot has seen, by the stamp that changes with them in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import Settings

from tests.blockmaker import address
from tests.integration.ledgers.test_reads import chain
from tracing import jobs, walls
from tracing.engine.seal import boundaries_sha256
from tracing.jobs import BoundaryRow
from tracing.models import Boundary, WallVersion
from tracing.open_ledgers import opened_ledger

__all__ = ["chain"]
LEDGER = "bitcoin-regtest"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("chain")]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    walls._seen.cache_clear()
    yield
    walls._seen.cache_clear()


def rows(*numbers: int, kind: str = "exchange_deposit", label: str = "") -> list[BoundaryRow]:
    return [BoundaryRow(LEDGER, address(number), kind, label) for number in numbers]


def seen() -> dict[str, str | None]:
    """Label of a service, None for the exchange's own."""
    opened = opened_ledger(LEDGER)
    found = walls.seen_walls(opened)
    return {
        opened.address_text(number): label if is_service else None
        for number, is_service, label in zip(
            found.addresses.tolist(), found.is_service.tolist(), found.labels, strict=True
        )
    }


def stamp() -> str:
    return WallVersion.objects.get(ledger=LEDGER).stamp


def read_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look at the table took."""
    took: list[int] = []
    found = walls._found

    def counted(ledger: object, before: object, newest: int) -> object:
        took.append(Boundary.objects.filter(pk__gt=newest).count())
        return found(ledger, before, newest)  # type: ignore[arg-type]

    monkeypatch.setattr(walls, "_found", counted)
    return took


def test_a_new_process_reads_the_file_and_one_that_finds_more_goes_on_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs.set_boundaries("records", rows(1, 2, 999))  # 999 is not on the chain
    took = read_rows(monkeypatch)
    assert seen() == {address(1): None, address(2): None}
    walls._seen.cache_clear()  # as in another process
    assert seen() == {address(1): None, address(2): None}
    assert took == [3]
    jobs.add_boundaries("records", rows(4))
    jobs.add_boundaries("tags", rows(1, 5, kind="service", label="Mart"))
    assert seen() == {address(1): None, address(2): None, address(4): None, address(5): "Mart"}
    assert took == [3, 3]  # those that came alone
    jobs.set_boundaries("records", rows(2))
    assert seen() == {address(1): "Mart", address(2): None, address(5): "Mart"}
    assert took == [3, 3, 3]  # one went: all that there are


def test_the_stamp_changes_with_the_walls_and_with_nothing_else() -> None:
    jobs.set_boundaries("records", rows(1, 2))
    first, digest = stamp(), walls.walls_sha256(LEDGER)
    jobs.set_boundaries("records", rows(2, 1))
    jobs.add_boundaries("records", rows(1))
    assert (stamp(), WallVersion.objects.get(ledger=LEDGER).sha256) == (first, digest)
    assert digest == boundaries_sha256(walls.walls_now(LEDGER))
    jobs.set_boundaries("records", rows(1, 2, kind="exchange_own"))
    assert stamp() != first
    assert WallVersion.objects.get(ledger=LEDGER).earlier == []
    assert walls.walls_sha256(LEDGER) == boundaries_sha256(walls.walls_now(LEDGER)) != digest
    assert walls.walls_sha256("bitcoin") == boundaries_sha256(())
    jobs.set_boundaries("records", [])
    assert seen() == {}


def test_what_a_rolled_back_change_left_behind_is_never_read() -> None:
    jobs.set_boundaries("records", rows(1))
    assert seen() == {address(1): None}
    with transaction.atomic():
        jobs.add_boundaries("records", rows(2))
        assert seen() == {address(1): None, address(2): None}
        transaction.set_rollback(True)
    assert seen() == {address(1): None}
    jobs.add_boundaries("records", rows(4))  # may have the number of the row that is gone
    assert seen() == {address(1): None, address(4): None}


def test_only_the_newest_files_stay(settings: Settings) -> None:
    for number in range(7):
        jobs.set_boundaries("records", rows(1 + number % 2))
        seen()
    folder = Path(settings.FIU_HOME) / "cache" / "walls" / LEDGER
    assert len(list(folder.iterdir())) == walls.KEPT


def test_an_import_prepares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.set_boundaries("records", rows(1))
    jobs.prepare_walls(LEDGER)
    jobs.prepare_walls("ethereum")  # not loaded
    walls._seen.cache_clear()
    took = read_rows(monkeypatch)
    assert (seen(), took) == ({address(1): None}, [])
    assert WallVersion.objects.get(ledger=LEDGER).sha256
