"""Screening: every line is answered, what asks for a person stands first, the look is kept."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases.models import ReadEvent
from cases.queries.screening import Rank, screen
from cases.services.attribution import import_sanctions, import_tags
from tests.blockmaker import address
from tests.integration.web.conftest import BANK, DEPOSIT, HOPS, REST, Room

pytestmark = pytest.mark.django_db
URL = "/screening/"
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.fixture
def labels(room: Room, tmp_path: Path) -> Path:
    """One address listed, one tagged, one tagged by two who disagree."""
    (tmp_path / "list_XBT.txt").write_text(f"{HOPS[0]} =listed party\n")
    import_sanctions(tmp_path / "list_XBT.txt")
    for name, rows in (("mixer", [HOPS[1], HOPS[2]]), ("exchange", [HOPS[2]])):
        text = "".join(f"{row},{name.title()} one,https://source.example\n" for row in rows)
        (tmp_path / f"{name}.csv").write_text(f"address,entity,source\n{text}")
        import_tags(tmp_path / f"{name}.csv", category="market" if name == "mixer" else "exchange")
    return tmp_path


MONERO = (
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3Xjr"
    "pDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
)


def test_every_line_is_answered_and_the_gravest_stands_first(room: Room, labels: Path) -> None:
    lines = [EVM, REST, BANK, DEPOSIT, *HOPS[:3], HOPS[0].upper(), "no address", f"see {REST}"]
    found = screen("\n".join(lines), room.by)
    assert [(line.rank, line.address.canonical, line.times) for line in found.lines] == [
        (Rank.LISTED, HOPS[0], 2),
        (Rank.DISPUTED, HOPS[2], 1),
        (Rank.LABELLED, HOPS[1], 1),
        (Rank.OURS, DEPOSIT, 1),
        (Rank.IN_A_CASE, BANK, 1),
        (Rank.SEEN, REST, 2),
        (Rank.UNSEEN, EVM.lower(), 1),
    ]
    [rejected] = found.rejected
    assert (rejected.number, rejected.text) == (9, "no address")
    ours = found.lines[3]
    assert [period.account for period in ours.deposits] == [room.account]
    assert [wallet.case for wallet in found.lines[4].wallets] == [room.case]
    assert (found.num_listed, found.num_labelled, found.num_disputed) == (1, 2, 1)
    assert (found.num_ours, found.num_in_cases, found.num_without_word) == (1, 1, 2)


def test_a_case_that_one_may_not_see_is_not_hinted_at(room: Room) -> None:
    page = room.outsider.post(URL, {"text": BANK}).content.decode()
    assert BANK[:10] in page
    assert room.case.reference not in page
    assert room.bank.label not in page


def test_the_page_names_results_and_keeps_the_look(room: Room, labels: Path) -> None:
    answer = room.client.post(URL, {"text": f"{HOPS[0]}\n{DEPOSIT}\nnothing here"})
    page = answer.content.decode()
    assert answer.status_code == 200
    for words in ("list_XBT", room.account.masked, "nothing here"):
        assert words in page
    assert room.account.uid not in page
    look = ReadEvent.objects.get(action="screen_addresses")
    assert look.object.startswith("2 addresses:")
    assert HOPS[0] not in look.object


def test_a_file_is_read_as_text_and_answered_as_a_file(room: Room, labels: Path) -> None:
    file = SimpleUploadedFile("list.csv", f"address,note\n{HOPS[0]},=1+1\n".encode())
    answer = room.client.post(URL, {"file": file, "as": "csv"})
    assert answer["Content-Type"] == "text/csv"
    [head, row, rejected] = csv.reader(io.StringIO(answer.content.decode()))
    told = dict(zip(head, row, strict=True))
    assert (told["line"], told["address"], told["result"]) == ("2", HOPS[0], "listed")
    assert told["sanctions_lists"] == f"list_XBT: {HOPS[0]} =listed party"
    assert (rejected[3], rejected[0]) == ("no_address", "1")
    assert len(rejected) == len(head)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"text": " \n"}, "Paste at least one address"),
        ({"file": b"\xff\xfe\x00"}, "no text in UTF-8"),
    ],
    ids=["empty", "binary"],
)
def test_what_is_no_list_is_refused_in_a_sentence(
    room: Room, data: dict[str, Any], words: str
) -> None:
    if "file" in data:
        data = {"file": SimpleUploadedFile("list.csv", data["file"])}
    answer = room.client.post(URL, data)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not ReadEvent.objects.filter(action="screen_addresses").exists()


def test_too_long_a_list_says_by_how_much(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cases.queries.screening.MOST", 2)
    answer = room.client.post(URL, {"text": "\n".join(HOPS[:3])})
    assert answer.status_code == 422
    assert "3 addresses: one call takes 2. Send the list in parts." in answer.content.decode()


def test_exposure_of_a_line_comes_by_a_click(room: Room, labels: Path) -> None:
    answer = room.client.post(reverse("screening_exposure"), {"address": HOPS[3]})
    page = answer.content.decode()
    assert "Tags disagree" in page
    assert "20.00 BTC" in page
    assert room.client.post(reverse("screening_exposure"), {"address": "x"}).status_code == 422


def test_an_address_never_seen_has_an_empty_row_in_the_file(room: Room) -> None:
    answer = room.client.post(URL, {"text": address(77), "as": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert (rows[1][3], rows[1][-4:-1]) == ("unseen", ["", "", ""])


def test_of_a_monero_address_there_is_no_ledger_and_never_a_zero(room: Room) -> None:
    """Trap 14: the address is whole, and nothing that a block shows is known of it."""
    wrong = f"{MONERO[:-1]}B"
    found = screen(f"{MONERO}\n{wrong}", room.by)
    assert [line.text for line in found.rejected] == [MONERO, wrong]
    assert "there is no ledger of it" in found.rejected[0].reason
    assert "checksum" in found.rejected[1].reason
    assert (found.lines, found.num_without_word) == ([], 0)
    page = room.client.post(URL, {"text": MONERO}).content.decode()
    assert "there is no ledger of it" in page
