"""The parsers that read other people's files, each as bytes in and nothing out.

A parser may refuse what it is given by the errors named here, in a sentence; anything else it
raises is a fault. The seeds are small files that it accepts, and `tests/fuzz/found/NAME/` keeps
every input that once brought it down.
"""

import bz2
import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cases.exports.suspicion.fincen_acknowledgement import NotAcknowledgement, read_acknowledgement
from cases.models.fields import parse_base_units
from cases.services.errors import CaseworkError, ImportRefused
from cases.services.exchange_rows import COLUMNS, ExchangeFile
from cases.services.identifiers import read_identifiers
from cases.services.requests.desk_intake import read_rows
from cases.services.wallet_files import read_wallet_file
from tests.blockmaker import BlockChain, address, pay
from tests.sanctions_files import ADVANCED, ENTITIES, PLAIN
from tracing.engine.accounts.csvrows import column_map, parse_csv
from tracing.engine.accounts.evm import parse_evm
from tracing.engine.accounts.tron import parse_tron
from tracing.engine.addresses import Network, decode_address
from tracing.engine.blockfiles import network_of, read_block_file, xor_with
from tracing.engine.blocks import parse_blocks
from tracing.engine.chains import decode_chain_address
from tracing.engine.paste import parse_paste
from tracing.engine.sanctions import parse_list
from tracing.engine.spentcoins import read_spent_coins
from tracing.engine.tagpacks import parse_tag_csv, parse_tagpack
from tracing.errors import (
    AddressError,
    BlockFileError,
    NodeAnswerWrong,
    ParametersError,
    TagFileError,
)
from tracing.nodes import esplora

FOUND = Path(__file__).resolve().parent / "found"
KEY = bytes.fromhex("a1b2c3d4e5f60718")


@dataclass(frozen=True)
class Parser:
    """One target: what it runs, what it may raise, and files it accepts."""

    run: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def try_on(self, data: bytes) -> None:
        """Run it; what is not a refusal comes through."""
        sentence = "taken"
        try:
            self.run(data)
        except self.refusals as error:
            sentence = str(error)
        assert sentence.strip(), "a refusal says why"


def found(name: str) -> list[bytes]:
    """What once brought this parser down."""
    return [file.read_bytes() for file in sorted((FOUND / name).glob("*")) if file.is_file()]


def _blocks(data: bytes) -> None:
    _records(data, b"")


def _node_files(data: bytes) -> None:
    """A node's own files: the first eight bytes are the key of `xor.dat`."""
    _records(data[8:], data[:8])


def _records(raw: bytes, key: bytes) -> None:
    records = read_block_file(raw, key)
    parse_blocks(records.data, records.spans, network_of(records) or Network.REGTEST)


def _undo(data: bytes) -> None:
    read_spent_coins(data[8:], data[:8])


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _addresses(data: bytes) -> None:
    text = _text(data)
    for decode in (decode_address, lambda each: decode_chain_address(each, "", list(Network))):
        with suppress(AddressError):
            decode(text)
    parse_paste(text)


def _amounts(data: bytes) -> None:
    assert 0 <= parse_base_units(_text(data)) < 10**78


def _exchange(data: bytes) -> None:
    """The exchange's CSV files: the first byte chooses which."""
    names = sorted(COLUMNS)
    with tempfile.TemporaryDirectory(prefix="fiu-fuzz-") as folder:
        path = Path(folder) / names[data[0] % len(names) if data else 0]
        path.write_bytes(data[1:])
        for _batch in ExchangeFile(path).batches(3):
            pass


def _planted(data: bytes) -> None:
    """A fault that blind bytes hardly ever reach: a fuzzer that sees the code finds it at once."""
    if data[:1] != b"f" or data[1:2] != b"u" or data[2:3] != b"z":
        return
    if data[3:4] == b"z" and data[4:5] == b"!":
        raise ZeroDivisionError("the planted fault")


def _chain() -> BlockChain:
    chain = BlockChain()
    first = chain.add()
    coin = (first.txs[0].txid, 0)
    chain.add(pay([coin], [(address(1), 3_000_000_000), (address(2), 1_999_990_000), (None, 0)]))
    return chain


def _core_undo(chain: BlockChain) -> bytes:
    """A `rev*.dat` of the second block: one coin spent; nobody compares its checksum here."""
    coin = bytes([1, 1, 0x81, 0x02, 0, 50, 0]) + bytes(20)
    return chain.blocks[1].record[:4] + len(coin).to_bytes(4, "little") + coin + bytes(32)


TAG = {"address": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "label": "L", "source": "https://s.example"}
PACK = b"""title: Sample
creator: Somebody
source: https://s.example
confidence: ownership
lastmod: 2024-02-29
is_cluster_definer: true
tags:
- address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
  label: "First"
  concepts: [exchange, user]
- {address: bc1qar0srr7xfkvy5l643lydnw9re59gtzzwf5mdq, label: 7, currency: BTC, lastmod: 2024-01-02 10:00:00}
"""  # noqa: E501
CSV = (
    b"# a comment\naddress,entity,source,category,confidence,currency,lastmod\n"
    b'1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,"A ""B""",https://s.example,exchange,ownership,BTC,'
    b"2024-01-02\n"
)
CELLS: Mapping[str, str] = {
    "opened_on": "2024-01-02", "price": "97000.50", "decimals": "8", "method": "spot",
    "link": "device", "kind": "main",
}  # fmt: skip


def _sheet(name: str) -> bytes:
    """A file of one row; cells that are refused are good seeds, too."""
    cells = [
        CELLS.get(column, "2024-01-02T03:04:05Z" if column.endswith("at") else "17")
        for column in COLUMNS[name]
    ]
    head = ",".join(COLUMNS[name])
    return bytes([sorted(COLUMNS).index(name)]) + f"{head}\n{','.join(cells)}\n".encode()


COLUMN_MAP = """
txid = "Hash"
block = "Block"
time = "Time"
sender = "From"
recipient = "To"
amount = "Value"
token = "Token"
decimals = "Decimals"
status = "Status"
failed = ["fail"]
thousands = ","
"""
TRANSFERS = (
    "Hash,Block,Time,From,To,Value,Token,Decimals,Status\n"
    f'0x{"11" * 32},17,2024-01-02T03:04:05Z,0x{"22" * 20},0x{"33" * 20},"1,234.5",,,ok\n'
    f"{'44' * 32},18,1700000000,0x{'22' * 20},0x{'33' * 20},7,0x{'55' * 20},6,fail\n"
).encode()


def _transfers_csv(data: bytes) -> None:
    parse_csv([("file", data)], column_map(COLUMN_MAP), "eip155:1")


def _esplora_json() -> bytes:
    side = {"value": 5, "scriptpubkey_address": TAG["address"]}
    status = {"confirmed": True, "block_height": 9, "block_hash": "66" * 32, "block_time": 99}
    tx = {"txid": "77" * 32, "vin": [{"prevout": side}], "vout": [side], "status": status}
    return json.dumps(tx).encode()


def _esplora(data: bytes) -> None:
    """One transaction of a source's answer, which was JSON before."""
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        return
    esplora.transaction_of(row, TAG["address"])


def _block_json() -> bytes:
    word, hash_ = "0x" + "11" * 20, "0x" + "22" * 32
    tx = {
        "hash": hash_, "from": word, "to": word, "value": "0x5", "nonce": "0x1", "gas": "0x5208",
        "gasPrice": "0x1", "blockHash": "0x" + "33" * 32, "blockNumber": "0x1",
        "transactionIndex": "0x0", "input": "0x",
    }  # fmt: skip
    block = {
        "hash": "0x" + "33" * 32, "parentHash": "0x" + "44" * 32, "number": "0x1",
        "timestamp": "0x65", "miner": word, "transactions": [tx], "baseFeePerGas": "0x1",
    }  # fmt: skip
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": block}).encode()


def _tron_json() -> bytes:
    owner = "41" + "11" * 20
    contract = {
        "type": "TransferContract",
        "parameter": {"value": {"amount": 5, "owner_address": owner, "to_address": owner}},
    }
    tx = {"txID": "22" * 32, "ret": [{"contractRet": "SUCCESS"}], "raw_data": {"contract": [contract]}}  # noqa: E501  # fmt: skip
    head = {"raw_data": {"number": 1, "parentHash": "44" * 32, "timestamp": 1_700_000_000_000}}
    return json.dumps(
        {"blockID": "33" * 32, "block_header": head, "transactions": [tx]}
    ).encode()  # fmt: skip


def _wallet_files() -> tuple[bytes, ...]:
    """One wallet as STIX 2.1, as MISP and as FollowTheMoney."""
    wallet = {"type": "cryptocurrency-wallet", "id": "w--1", "value": TAG["address"]}
    note = {"type": "note", "abstract": "One", "object_refs": ["w--1"]}
    stix = {"type": "bundle", "objects": [wallet, note]}
    attribute = {"type": "btc", "value": TAG["address"], "comment": "One"}
    misp = {"Event": {"Attribute": [attribute], "Object": [{"Attribute": [attribute]}]}}
    ftm = {"id": "1", "schema": "CryptoWallet", "properties": {"publicKey": [TAG["address"]]}}
    return tuple(json.dumps(each).encode() for each in (stix, misp, ftm))


REQUESTS = (
    b"agency_ref,Requester,process type,issue date,targets,data,due date,Crime\n"
    b'"A-1",chen,"order",2026-01-01,"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\nx@y.example",kyc,2026-01-02,"Fraud"\n'
)
ANSWER = b"""<?xml version="1.0"?>
<EFilingBatchXML xmlns="www.fincen.gov/base" StatusCode="A"><EFilingActivityXML SeqNum="1">
<BSAID>31000000000001</BSAID><EFilingActivityErrorXML SeqNum="2">
<ErrorLevelText>WARN</ErrorLevelText><ErrorText>A field.</ErrorText></EFilingActivityErrorXML>
</EFilingActivityXML></EFilingBatchXML>"""
IDENTIFIERS = (
    b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n"
    b"x@y.example\n+852 5550 1234\nThe Lantern\n" + b"77" * 32 + b"\n203.0.113.7\n"
)


def _make() -> dict[str, Parser]:
    chain = _chain()
    raw, record = chain.blocks[1].raw, b"".join(block.record for block in chain.blocks)
    undo = _core_undo(chain)
    plain = (5).to_bytes(8, "little") + b"\x03\x51\x52\x53"
    tag_csv = [CSV, b"address,label,source\n" + ",".join(TAG.values()).encode() + b"\n"]
    in_blocks, in_tags = (BlockFileError,), (TagFileError,)
    return {
        "blocks": Parser(
            _blocks, in_blocks, (raw, record, record + bytes(64), bz2.compress(record))
        ),
        "node_files": Parser(
            _node_files, in_blocks,
            (bytes(8) + record + bytes(40), KEY + xor_with(record, KEY) + bytes(40)),
        ),
        "undo": Parser(
            _undo, in_blocks, (bytes(8) + undo, KEY + xor_with(undo, KEY), bytes(8) + plain * 2)
        ),
        "addresses": Parser(
            _addresses, (AddressError,),
            (
                b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
                b"bc1qar0srr7xfkvy5l643lydnw9re59gtzzwf5mdq", address(1).encode(),
                b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                b"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
                b"bitcoin:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa?amount=1\n\xef\xbc\x91A1z, # note",
            ),
        ),
        "amounts": Parser(_amounts, (ValueError,), (b"0", b"1", b"9" * 78)),
        "tagpacks": Parser(lambda data: _drop(parse_tagpack(data)), in_tags, (PACK,)),
        "tag_csv": Parser(
            lambda data: _drop(parse_tag_csv(data, name="mixer.csv")), in_tags, tuple(tag_csv)
        ),
        "sanctions": Parser(
            lambda data: _drop(parse_list(io.BytesIO(data), currency="XBT")), in_tags,
            (
                b"# list\n1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n"
                b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed;x\n",
                ADVANCED.encode(), PLAIN.encode(), ENTITIES.encode(),
            ),
        ),
        "exchange": Parser(_exchange, (ImportRefused,), tuple(_sheet(name) for name in COLUMNS)),
        "evm": Parser(
            lambda data: _drop(parse_evm([("file", data)])), in_blocks,
            (_block_json(), gzip.compress(_block_json(), mtime=0)),
        ),
        "tron": Parser(
            lambda data: _drop(parse_tron([("file", data)])), in_blocks, (_tron_json(),)
        ),
        "transfers_csv": Parser(_transfers_csv, in_blocks, (TRANSFERS,)),
        "column_map": Parser(
            lambda data: _drop(column_map(_text(data))), (ParametersError,), (COLUMN_MAP.encode(),)
        ),
        "esplora": Parser(_esplora, (NodeAnswerWrong,), (_esplora_json(),)),
        "wallet_files": Parser(
            lambda data: _drop(read_wallet_file(data)), (CaseworkError,), _wallet_files()
        ),
        "desk_rows": Parser(lambda data: _drop(read_rows(data)), (CaseworkError,), (REQUESTS,)),
        "identifiers": Parser(
            lambda data: _drop(read_identifiers(_text(data))), (), (IDENTIFIERS,)
        ),
        "acknowledgements": Parser(
            lambda data: _drop(read_acknowledgement(data)), (NotAcknowledgement,), (ANSWER,)
        ),
        "planted": Parser(_planted, (), (b"seed",)),
    }  # fmt: skip


def _drop(_result: object) -> None:
    """Only what is raised counts."""


PARSERS = _make()
assert csv.field_size_limit() == 131_072  # what the parsers are measured against
