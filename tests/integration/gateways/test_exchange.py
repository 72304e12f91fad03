"""The reference exchange and the client that calls it, over a real loopback socket."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from cases.gateways.exchange import (
    CoreBalance,
    GatewayNotConfigured,
    GatewayRefused,
    GatewayTimeout,
    HttpExchange,
    Receipt,
    Refusal,
    exchange_gateway,
)
from fiu.reference_exchange.app import Exchange
from fiu.reference_exchange.books import Books
from fiu.reference_exchange.server import make_server

ROOT = Path(__file__).resolve().parents[3]
BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0"
TOKEN = "t" * 40
BALANCES = (
    f"account,asset,base,at\nNQ-1,{BTC},1000,2025-06-01T00:00:00Z\nNQ-1,x,7,2025-06-01T00:00:00Z\n"
)

Start = Callable[..., HttpExchange]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Start]:
    """Starts reference exchanges on loopback that this test ends."""
    (tmp_path / "balances.csv").write_text(BALANCES)
    servers = []

    def start(*faults: str, **options: float) -> HttpExchange:
        books = Books(tmp_path / "books.sqlite3")
        app = Exchange(books, TOKEN, balances=tmp_path / "balances.csv", faults=faults)
        server = make_server(app)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return HttpExchange(f"http://127.0.0.1:{server.server_port}", TOKEN, **options)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def held(core: HttpExchange) -> CoreBalance:
    return next(row for row in core.balances("NQ-1") if row.asset == BTC)


def test_the_server_process_answers_and_ends_on_term(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "balances.csv").write_text(BALANCES)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "fiu.reference_exchange", "--port", "0"),
            *("--file", str(tmp_path / "books.sqlite3"), "--token-file", str(tmp_path / "token")),
            *("--balances", str(tmp_path / "balances.csv")),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert HttpExchange(url, TOKEN).freeze(uuid4(), "NQ-1", BTC, 1, "R-1").executed == 1
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_hold_and_its_release_move_the_balance(exchange):
    core = exchange()
    receipt = core.freeze(uuid4(), "NQ-1", BTC, 400, "R-1")
    assert receipt.executed == 400
    assert receipt.at.tzinfo is not None
    assert held(core) == CoreBalance(BTC, free=600, held=400)
    assert core.release(uuid4(), "NQ-1", BTC, 150, "R-1").executed == 150
    assert held(core) == CoreBalance(BTC, free=750, held=250)
    assert core.release(uuid4(), "NQ-1", BTC, None, "R-1").executed == 250


def test_a_hold_of_more_than_is_free_holds_what_is_free(exchange):
    core = exchange()
    assert core.freeze(uuid4(), "NQ-1", BTC, 5000, "R-1").executed == 1000
    with pytest.raises(GatewayRefused) as refused:
        core.freeze(uuid4(), "NQ-1", BTC, None, "R-2")
    assert refused.value.reason == "nothing_there"


def test_the_same_key_acts_once_whatever_comes_back(exchange):
    core = exchange()
    key = uuid4()
    first = core.freeze(key, "NQ-1", BTC, 400, "R-1")
    assert core.freeze(key, "NQ-1", BTC, 400, "R-1") == first
    assert held(core).held == 400
    with pytest.raises(GatewayRefused, match="key_used"):
        core.freeze(key, "NQ-1", BTC, 401, "R-1")
    assert core.find(key) == first


def test_one_key_from_many_threads_holds_once(exchange):
    core = exchange()
    key = uuid4()
    receipts: list[Receipt] = []
    threads = [
        threading.Thread(target=lambda: receipts.append(core.freeze(key, "NQ-1", BTC, 10, "R-1")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 8
    assert len(set(receipts)) == 1
    assert held(core).held == 10


def test_a_refusal_is_found_by_its_key(exchange):
    core = exchange()
    key = uuid4()
    with pytest.raises(GatewayRefused, match="no_such_balance"):
        core.freeze(key, "NQ-9", BTC, 1, "R-1")
    assert core.find(key) == Refusal("no_such_balance")
    with pytest.raises(GatewayRefused, match="more_than_held"):
        core.release(uuid4(), "NQ-1", BTC, 1, "R-1")


def test_a_key_never_received_is_found_to_be_none(exchange):
    assert exchange().find(uuid4()) is None


def test_an_unknown_account_has_no_balances(exchange):
    assert exchange().balances("NQ/../9") == []


@pytest.mark.parametrize("fault", ["error", "garbage", "drop"])
def test_every_unclear_answer_is_a_timeout_and_the_key_tells_what_happened(exchange, fault):
    core = exchange(fault)
    key = uuid4()
    with pytest.raises(GatewayTimeout):
        core.freeze(key, "NQ-1", BTC, 400, "R-1")
    found = core.find(key)
    assert isinstance(found, Receipt)
    assert found.executed == 400
    assert core.freeze(key, "NQ-1", BTC, 400, "R-1") == found
    assert held(core).held == 400


def test_silence_ends_after_the_read_time(exchange):
    core = exchange("silent", read_seconds=0.5)
    key = uuid4()
    begun = time.monotonic()
    with pytest.raises(GatewayTimeout):
        core.freeze(key, "NQ-1", BTC, 400, "R-1")
    assert time.monotonic() - begun < 3
    assert isinstance(core.find(key), Receipt)


def test_nobody_listening_is_a_timeout():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(GatewayTimeout):
        HttpExchange(f"http://127.0.0.1:{port}", TOKEN).find(uuid4())


def answer_once(content: bytes) -> str:
    """A server that answers one call with these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        with suppress(OSError):
            connection.sendall(content)
        connection.close()
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_redirect_is_not_followed():
    url = answer_once(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}"
    )
    with pytest.raises(GatewayTimeout, match="302"):
        HttpExchange(url, TOKEN).freeze(uuid4(), "NQ-1", BTC, 1, "R-1")


def test_an_endless_answer_is_cut_off():
    url = answer_once(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 400_000)
    with pytest.raises(GatewayTimeout, match="more than"):
        HttpExchange(url, TOKEN).find(uuid4())


@pytest.mark.parametrize(
    "body",
    [
        {"external_ref": "H-1", "executed": 5, "at": "2025-06-01T00:00:00Z"},
        {"external_ref": "H-1", "executed": "-5", "at": "2025-06-01T00:00:00Z"},
        {"external_ref": "H-1", "executed": "\u0665", "at": "2025-06-01T00:00:00Z"},
        {"external_ref": "H-1", "executed": "5", "at": "2025-06-01T00:00:00"},
        {"executed": "5", "at": "2025-06-01T00:00:00Z"},
        [],
    ],
)
def test_a_receipt_we_cannot_read_is_unknown_never_held(body):
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    with pytest.raises(GatewayTimeout):
        HttpExchange(answer_once(head + content), TOKEN).freeze(uuid4(), "a", BTC, 1, "R")


def test_amounts_of_78_digits_survive(exchange, tmp_path):
    huge = 10**78 - 1
    (tmp_path / "balances.csv").write_text(f"account,asset,base,at\nNQ-7,eth,{huge},x\n")
    core = exchange()
    assert core.freeze(uuid4(), "NQ-7", "eth", None, "R-1").executed == huge


def test_the_wrong_token_opens_nothing(exchange, tmp_path):
    core = exchange()
    stranger = HttpExchange(f"http://127.0.0.1:{core._port}", "x" * 40)
    with pytest.raises(GatewayTimeout, match="401"):
        stranger.freeze(uuid4(), "NQ-1", BTC, 1, "R-1")
    assert held(core).held == 0


def test_a_changing_call_without_a_key_is_refused(exchange):
    core = exchange()
    connection = http.client.HTTPConnection("127.0.0.1", core._port, timeout=5)
    connection.request("POST", "/holds", "{}", {"Authorization": f"Bearer {TOKEN}"})
    assert connection.getresponse().status == 400
    connection.close()


def test_balances_loaded_twice_do_not_forget_a_hold(exchange, tmp_path):
    core = exchange()
    core.freeze(uuid4(), "NQ-1", BTC, 400, "R-1")
    (tmp_path / "balances.csv").write_text(BALANCES + "NQ-2,x,9,2025-06-01T00:00:00Z\n")
    assert held(core).held == 400
    assert core.balances("NQ-2") == [CoreBalance("x", free=9, held=0)]


def test_without_an_address_there_is_no_gateway(settings, tmp_path):
    settings.EXCHANGE_URL = ""
    with pytest.raises(GatewayNotConfigured):
        exchange_gateway()
    settings.EXCHANGE_URL = "http://127.0.0.1:1"
    settings.EXCHANGE_TOKEN_FILE = tmp_path / "absent"
    with pytest.raises(GatewayNotConfigured):
        exchange_gateway()


def test_nothing_sent_to_the_exchange_says_why(tmp_path):
    """P2: what goes over the wire is account, asset, amount and an opaque reference."""
    received: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        received.append(b"")
        while not received[0].endswith(b"}"):
            received[0] += connection.recv(65536)
        connection.close()
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    core = HttpExchange(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN)
    with pytest.raises(GatewayTimeout):
        core.freeze(UUID(int=7), "NQ-1", BTC, 400, "R-1")
    thread.join(timeout=5)
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {
        "account": "NQ-1",
        "asset": BTC,
        "amount": "400",
        "reference": "R-1",
    }
    for word in (b"case", b"suspic", b"police", b"freeze", b"str"):
        assert word not in head.lower().replace(b"bearer", b"") + body.lower().replace(
            b"reference", b""
        )


def test_a_hold_that_reaches_into_a_stopped_withdrawal_has_two_receipts(
    exchange: Start, tmp_path: Path
) -> None:
    (tmp_path / "movements.csv").write_text(
        "ref,kind,account,counter_account,asset,base,asset_out,base_out,fee_asset,fee_base,at,"
        "txid,status,address,ip\n"
        f"M-1,withdrawal,NQ-1,,{BTC},700,,,,,2025-06-01T00:00:00Z,,stopped,,\n"
        f"M-2,withdrawal,NQ-1,,{BTC},100,,,,,2025-06-01T00:00:00Z,,completed,,\n"
    )
    client = exchange()
    receipt = client.freeze(uuid4(), "NQ-1", BTC, 900, "H-1")
    assert receipt.executed == 900
    assert [(part.source, part.base) for part in receipt.booked] == [
        ("balance", 300),
        ("withdrawal", 600),
    ]
    assert len({part.external_ref for part in receipt.booked}) == 2
    rest = client.freeze(uuid4(), "NQ-1", BTC, None, "H-2")
    assert [(part.source, part.base) for part in rest.booked] == [("balance", 100)]
