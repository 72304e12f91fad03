"""The import of the exchange's records: whole or not at all, twice without harm, fast."""

import csv as plain_csv
import io
import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pyarrow import csv

from cases.models import (
    AccountLink,
    Asset,
    AuditEvent,
    Balance,
    DepositAddress,
    ExchangeAccount,
    ExchangeRecord,
    ImportMark,
    OwnAddress,
    Price,
)
from cases.models.fields import MAX_BASE_UNITS
from cases.policy import PermissionDenied
from cases.services import exchange
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange import import_exchange, push_records
from cases.services.exchange_rows import COLUMNS, Columns
from tests.casework import BTC, USDT, make_user, person
from tests.integration.api.conftest import made, program_of, told
from tracing.models import Boundary

pytestmark = pytest.mark.django_db
ONE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
TWO = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
AT = "2025-05-20T13:56:00Z"

FILES: dict[str, str] = {
    "assets.csv": f"asset,symbol,decimals\n{BTC},BTC,8\n{USDT},USDT,6\n",
    "accounts.csv": (
        "uid,customer,holder_name,country,kind,opened_on,state,kyc_level\n"
        'A1,C1,"Example, Ada",XX,main,2020-05-01,active,full\n'
        "A2,C2,Bob Example,XX,sub,,closed,\n"
    ),
    "deposit_addresses.csv": (
        "ledger,address,account,assigned_from_at,assigned_to_at\n"
        f"bitcoin-regtest,{ONE},A1,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z\n"
        f"bitcoin-regtest,{ONE},A2,2025-02-01T00:00:00Z,\n"
    ),
    "own_addresses.csv": f"ledger,address,kind\nbitcoin,{TWO},hot\n",
    "balances.csv": f"account,asset,base,at\nA1,{BTC},300000000,{AT}\n",
    "movements.csv": (
        "ref,kind,account,counter_account,asset,base,asset_out,base_out,fee_asset,fee_base,at,"
        "txid,status,address,ip\n"
        f"M1,deposit,A1,,{BTC},100,,,,,{AT},{'a' * 64},done,{ONE},10.0.0.1\n"
        f"M2,conversion,A1,,{BTC},50,{USDT},5,{USDT},1,{AT},,done,,\n"
        f"M3,internal_transfer,A1,A2,{BTC},7,,,,,{AT},,done,,\n"
    ),
    "prices.csv": f"asset,currency,price,at,source,method\n{BTC},USD,97000.5,{AT},Market,spot\n",
    "links.csv": "account,other_account,link,basis\nA1,A2,device,same phone\n",
}
MODELS = (
    Asset, ExchangeAccount, DepositAddress, OwnAddress, Balance, ExchangeRecord, Price, AccountLink,
    Boundary, AuditEvent,
)  # fmt: skip


def write(folder: Path, **changed: str | None) -> Path:
    """The folder with some files replaced or left out: `accounts="..."`, `prices=None`."""
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        text_now = changed.get(name.removesuffix(".csv"), text)
        if text_now is not None:
            (folder / name).write_text(text_now, encoding="utf-8")
    return folder


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in MODELS}


def test_every_file_is_read_and_the_addresses_become_walls(tmp_path: Path) -> None:
    report = import_exchange(write(tmp_path))
    assert report.rows == {
        "assets.csv": 2, "accounts.csv": 2, "deposit_addresses.csv": 2, "own_addresses.csv": 1,
        "balances.csv": 1, "movements.csv": 3, "prices.csv": 1, "links.csv": 1,
    }  # fmt: skip
    assert ExchangeAccount.objects.get(uid="A1").holder_name == "Example, Ada"
    conversion = ExchangeRecord.objects.get(ref="M2")
    assert (conversion.base, conversion.base_out, conversion.fee_base) == (50, 5, 1)
    assert conversion.asset_out_id == USDT
    walls = Boundary.objects.order_by("ledger").values_list("ledger", "address", "kind")
    assert list(walls) == [
        ("bitcoin", TWO, "exchange_own"), ("bitcoin-regtest", ONE, "exchange_deposit"),
    ]  # fmt: skip
    assert report.num_boundaries == 2
    assert AuditEvent.objects.get(case=None).action == "import_exchange"


def test_importing_twice_changes_nothing_but_the_audit_trail(tmp_path: Path) -> None:
    import_exchange(write(tmp_path))
    before = counts()
    ids = set(ExchangeAccount.objects.values_list("pk", "public_id"))
    import_exchange(tmp_path)
    assert counts() == before | {"AuditEvent": 2}
    assert set(ExchangeAccount.objects.values_list("pk", "public_id")) == ids


def test_known_rows_are_brought_up_to_date(tmp_path: Path) -> None:
    import_exchange(write(tmp_path))
    import_exchange(
        write(
            tmp_path,
            accounts=FILES["accounts.csv"].replace("active", "frozen"),
            balances=FILES["balances.csv"].replace("300000000", "1"),
            deposit_addresses=FILES["deposit_addresses.csv"].replace(
                "A2,2025-02-01T00:00:00Z,", "A2,2025-02-01T00:00:00Z,2025-03-01T00:00:00Z"
            ),
        )
    )
    assert ExchangeAccount.objects.get(uid="A1").state == "frozen"
    assert Balance.objects.get().base == 1
    assert DepositAddress.objects.exclude(assigned_to_at=None).count() == 2


def test_only_assets_and_accounts_are_needed(tmp_path: Path) -> None:
    rest = dict.fromkeys(
        ("deposit_addresses", "own_addresses", "balances", "movements", "prices", "links")
    )
    assert set(import_exchange(write(tmp_path, **rest)).rows) == {"assets.csv", "accounts.csv"}
    with pytest.raises(ImportRefused, match=r"accounts\.csv"):
        import_exchange(write(tmp_path / "none", **rest, accounts=None))


def replaced(file: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[file]
    return {file.removesuffix(".csv"): FILES[file].replace(old, new, 1)}


BAD: list[tuple[dict[str, str], str, int, str]] = [
    (replaced("accounts.csv", "uid,", "id,"), "accounts.csv", 1, "first line"),
    (replaced("accounts.csv", "A2,C2,", "A2,"), "accounts.csv", 3, "7 cells"),
    (replaced("accounts.csv", "A2", "A1"), "accounts.csv", 3, "twice"),
    (replaced("accounts.csv", "sub", "joint"), "accounts.csv", 3, "main, sub"),
    (replaced("accounts.csv", "2020-05-01", "1 May"), "accounts.csv", 2, "a day"),
    (replaced("accounts.csv", "A2,", ","), "accounts.csv", 3, "uid"),
    (replaced("assets.csv", ",8", ",31"), "assets.csv", 2, "0 to 30"),
    (replaced("balances.csv", "300000000", "3.0"), "balances.csv", 2, "base units"),
    (replaced("balances.csv", "300000000", "1_000"), "balances.csv", 2, "base units"),
    (replaced("balances.csv", "300000000", "-1"), "balances.csv", 2, "base units"),
    (replaced("balances.csv", "A1", "A9"), "balances.csv", 2, "'A9'"),
    (replaced("balances.csv", BTC, "DOGE"), "balances.csv", 2, "'DOGE'"),
    (replaced("balances.csv", AT, "2025-05-20T13:56:00"), "balances.csv", 2, "its zone"),
    (replaced("deposit_addresses.csv", ONE, ONE[:-1] + "x"), "deposit_addresses.csv", 2,
     "no address"),
    (replaced("deposit_addresses.csv", "2025-02-01T00:00:00Z\n", "2025-02-02T00:00:00Z\n"),
     "deposit_addresses.csv", 3, "same time"),
    (replaced("deposit_addresses.csv", "2025-02-01T00:00:00Z\n", "2024-02-01T00:00:00Z\n"),
     "deposit_addresses.csv", 2, "before its begin"),
    (replaced("own_addresses.csv", f"bitcoin,{TWO}", f"bitcoin-regtest,{ONE}"),
     "own_addresses.csv", 2, "customer"),
    (replaced("movements.csv", "M1,deposit", "M1,gift"), "movements.csv", 2, "deposit"),
    (replaced("movements.csv", f"{USDT},5,", f"{USDT},,"), "movements.csv", 3, "together"),
    (replaced("movements.csv", "A1,A2", "A1,"), "movements.csv", 4, "counter account"),
    (replaced("prices.csv", "97000.5", "0"), "prices.csv", 2, "positive"),
    (replaced("prices.csv", "97000.5", "9,7"), "prices.csv", 2, "7 cells"),
    (replaced("links.csv", "device", "feeling"), "links.csv", 2, "device"),
    (replaced("links.csv", "same phone", "x" * 121), "links.csv", 2, "basis"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "file", "line", "words"), BAD)
def test_bad_input_is_refused_with_file_and_line_and_nothing_is_kept(
    tmp_path: Path, changed: dict[str, Any], file: str, line: int, words: str
) -> None:
    before = counts()
    with pytest.raises(ImportRefused) as refused:
        import_exchange(write(tmp_path, **changed))
    assert (refused.value.file, refused.value.line) == (file, line)
    assert words in str(refused.value)
    assert "Nothing was imported." in str(refused.value)
    assert counts() == before


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b'asset,symbol,decimals\n"x', b"\x00\x00\x00"],
    ids=["utf16", "quote", "nul"],
)
def test_what_is_no_csv_text_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / "assets.csv").write_bytes(content)
    with pytest.raises(ImportRefused, match=r"assets\.csv"):
        import_exchange(tmp_path)
    assert not Asset.objects.exists()


def test_the_decimals_of_an_asset_never_change(tmp_path: Path) -> None:
    import_exchange(write(tmp_path))
    with pytest.raises(ImportRefused, match="other decimals"):
        import_exchange(write(tmp_path, **replaced("assets.csv", ",8", ",9")))
    assert Asset.objects.get(pk=BTC).decimals == 8


def test_an_own_address_does_not_become_a_customers(tmp_path: Path) -> None:
    import_exchange(write(tmp_path))
    text = FILES["deposit_addresses.csv"] + f"bitcoin,{TWO},A1,2025-01-01T00:00:00Z,\n"
    with pytest.raises(ImportRefused, match="own"):
        import_exchange(write(tmp_path, deposit_addresses=text))


def test_the_command_imports_and_says_what_it_read(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("load_exchange", str(write(tmp_path)), "--json", stdout=out)
    assert json.loads(out.getvalue())["rows"]["movements.csv"] == 3
    with pytest.raises(CommandError, match="no such folder"):
        call_command("load_exchange", str(tmp_path / "none"))


def test_twenty_thousand_accounts_load_in_seconds(tmp_path: Path) -> None:
    """The aim is about two seconds for the accounts; the test leaves room for a busy machine."""
    head = FILES["accounts.csv"].splitlines()[0]
    rows = [f"A{n},C{n},Holder {n},XX,main,2020-05-01,active,full" for n in range(20_000)]
    balances = [f"A{n},{BTC},{n},{AT}" for n in range(20_000)]
    started = time.perf_counter()
    import_exchange(
        write(
            tmp_path,
            accounts="\n".join([head, *rows]) + "\n",
            balances="\n".join(["account,asset,base,at", *balances]) + "\n",
        )
    )
    assert ExchangeAccount.objects.count() == Balance.objects.count() == 20_000
    assert time.perf_counter() - started < 15


class TestAmounts(TestCase):
    """Every amount of up to 78 digits arrives as it was written."""

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, MAX_BASE_UNITS))
    def test_an_amount_arrives_whole(self, base: int) -> None:
        folder = Path(self.folder.name)  # type: ignore[attr-defined]
        write(folder, **replaced("balances.csv", "300000000", str(base)))
        import_exchange(folder)
        assert Balance.objects.get().base == base

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)


# Parquet, and what a program sends


def parquet(folder: Path, name: str, **types: pa.DataType) -> None:
    """Turn a CSV file of the folder into Parquet, some columns by types of their own."""
    path = folder / f"{name}.csv"
    # Without these an empty text and none are the same; both are an empty cell.
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(
        column_types=dict.fromkeys(COLUMNS[path.name], pa.string()) | types,
        strings_can_be_null=True,
    ))  # fmt: skip
    pq.write_table(table.select(sorted(table.column_names)), folder / f"{name}.parquet")
    path.unlink()


def kept() -> list[list[Any]]:
    """All rows but the numbers that each import gives anew."""
    return [
        list(model._default_manager.order_by("pk").values_list(
            *(f.attname for f in model._meta.fields if f.attname not in ("id", "public_id"))
        ))
        for model in (ExchangeRecord, ExchangeAccount, DepositAddress, Balance)
    ]  # fmt: skip


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    import_exchange(write(tmp_path))
    before = kept()
    moment = pa.timestamp("ms", tz="UTC")
    parquet(tmp_path, "movements", base=pa.int64(), at=moment)
    parquet(tmp_path, "accounts", opened_on=pa.date32())
    parquet(tmp_path, "balances", base=pa.decimal128(38, 0), at=pa.timestamp("us", tz="UTC"))
    report = import_exchange(tmp_path)
    assert (report.rows["movements.parquet"], report.rows["accounts.parquet"]) == (3, 2)
    assert kept() == before
    write(tmp_path, **dict.fromkeys(("movements", "balances")))
    with pytest.raises(ImportRefused, match=r"accounts.csv is there too"):
        import_exchange(tmp_path)
    (tmp_path / "accounts.parquet").write_bytes(b"none")
    (tmp_path / "accounts.csv").unlink()
    with pytest.raises(ImportRefused, match=r"accounts.parquet: it cannot be read"):
        import_exchange(tmp_path)
    pq.write_table(pa.table({"uid": ["A1"]}), tmp_path / "accounts.parquet")
    with pytest.raises(ImportRefused, match="its columns must be uid,customer"):
        import_exchange(tmp_path)


@pytest.mark.once
def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs/operate/exchange_records.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    for name, columns in COLUMNS.items():
        told = rows[name.removesuffix(".csv")]
        assert [column for column in columns if f"`{column}`" not in told] == []


def sent(**changed: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    """The files as a program sends them."""
    found = {}
    for name, text in FILES.items():
        with io.StringIO(text) as file:
            found[name.removesuffix(".csv")] = list(plain_csv.DictReader(file))
    return found | changed


def test_a_program_sends_the_same_rows_once() -> None:
    core = program_of(make_user("admin"))
    before = made(core.post("exchange-records", sent(), key="first"))
    assert before == {
        "rows": {name.removesuffix(".csv"): text.count("\n") - 1 for name, text in FILES.items()},
        "num_boundaries": 2,
    }  # fmt: skip
    assert made(core.post("exchange-records", sent(), key="first")) == before
    assert AuditEvent.objects.filter(action="push_records").count() == 1
    assert set(Boundary.objects.values_list("address", "kind")) == {
        (ONE, "exchange_deposit"), (TWO, "exchange_own"),
    }  # fmt: skip
    later = {
        "movements": [
            {"ref": "M4", "kind": "deposit", "account": "A2", "asset": BTC, "base": "9", "at": AT,
             "status": "completed"},
            {"ref": "M1", "kind": "deposit", "account": "A1", "asset": BTC, "base": "100",
             "at": AT, "status": "stopped"},
        ]
    }  # fmt: skip
    made(core.post("exchange-records", later))
    assert ExchangeRecord.objects.count() == 4
    assert ExchangeRecord.objects.get(ref="M1").status == "stopped"
    assert Boundary.objects.count() == 2  # nothing sent takes a wall away
    told(core.get("cases"), 404, "not-found")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({}, "Send 1 to 5000 rows"),
        ({"movements": [{"ref": "M9"}]}, "movements, line 1: kind '' must be one of"),
        ({"accounts": [{"uid": "A9", "name": "x"}]}, "it has no column 'name'"),
        ({"balances": [{"account": "A7", "asset": BTC, "base": "1", "at": AT}]}, "is in no"),
        ({"own_addresses": [{"ledger": "bitcoin-regtest", "address": ONE, "kind": "hot"}]},
         "customer's deposit address"),
        ({"own_addresses": [{"ledger": "bitcoin", "address": "1x", "kind": "hot"}]}, "no address"),
    ],
    ids=["nothing", "kind", "column", "account", "own", "address"],
)  # fmt: skip
def test_what_a_program_sends_wrongly_is_named_and_changes_nothing(
    rows: dict[str, list[dict[str, str]]], reason: str
) -> None:
    by = person("admin")
    push_records(
        sent(deposit_addresses=[
            {"ledger": "bitcoin-regtest", "address": ONE, "account": "A1",
             "assigned_from_at": AT}
        ]), by=by,
    )  # fmt: skip
    before = counts()
    with pytest.raises(CaseworkError, match=re.escape(reason)):
        push_records(rows, by=by)
    assert counts() == before
    with pytest.raises(PermissionDenied):
        push_records(rows, by=person("analyst"))


def test_an_import_that_was_cut_off_goes_on_behind_its_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = FILES["movements.csv"].splitlines()[0]
    lines = [f"M{n},deposit,A1,,{BTC},{n},,,,,{AT},,completed,," for n in range(1, 8)]
    folder = write(tmp_path, movements="\n".join([head, *lines]) + "\n")
    monkeypatch.setattr(exchange, "BATCH", 2)
    written: list[int] = []
    real = exchange.upsert

    def cut(model: type[Model], columns: Columns, *rest: Any) -> None:
        if model is ExchangeRecord:
            written.append(len(columns["ref"]))
            if len(written) == 3:
                raise OSError("the machine went down")
        real(model, columns, *rest)

    monkeypatch.setattr(exchange, "upsert", cut)
    with pytest.raises(OSError, match="went down"):
        import_exchange(folder, is_resumable=True)
    assert ExchangeRecord.objects.count() == 4
    assert Boundary.objects.count() == 2  # walls stand before any movement
    assert not AuditEvent.objects.filter(action="import_exchange").exists()
    assert import_exchange(folder, is_resumable=True).rows["movements.csv"] == 7
    assert written == [2, 2, 2, 2, 1]  # the first two batches were not written again
    assert ExchangeRecord.objects.count() == 7
    assert not ImportMark.objects.exists()
    wrong = "\n".join([head, *lines, lines[0].replace("M1,", "M9,").replace(BTC, "none")])
    (folder / "movements.csv").write_text(wrong + "\n", encoding="utf-8")
    with pytest.raises(ImportRefused, match=r"line 9: .*What stands before it was kept"):
        import_exchange(folder, is_resumable=True)
    call_command("load_customers", str(write(tmp_path)), "--resumable", stdout=io.StringIO())
    assert ExchangeRecord.objects.get(ref="M1").base == 100
