"""Where a configured host may lie: what its name led to counts, not the name (S12)."""

import socket
from typing import Any

import pytest
import requests

from cases.gateways.exchange import GatewayTimeout, HttpExchange
from fiu.oidc.session import CarefulSession
from tracing import peers
from tracing.errors import NodeRefused
from tracing.nodes.configured import NodeSettings
from tracing.nodes.wire import Wire
from tracing.peers import may_lie_at

pytestmark = pytest.mark.once
PUBLIC, PRIVATE = ("93.184.216.34", "2606:2800:220:1::1"), (
    "10.0.0.7", "172.16.3.4", "192.168.1.1", "127.0.0.1", "::1", "fd00::7", "::ffff:10.0.0.7",
    "100.64.0.1",
)  # fmt: skip
NEVER = ("169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "::ffff:a9fe:a9fe")  # noqa: S104


@pytest.mark.parametrize("host", ["node.example", "10.0.0.7", "bitcoind", "a.internal", "::1"])
def test_the_world_may_be_asked_and_clouds_keep_their_secrets(host: str) -> None:
    assert all(may_lie_at(host, peer) for peer in PUBLIC)
    assert not any(may_lie_at(host, peer) for peer in NEVER)


def test_a_name_of_the_world_does_not_lead_into_our_network(settings: Any) -> None:
    assert not any(may_lie_at("core.example", peer) for peer in PRIVATE)
    settings.PRIVATE_HOSTS = ["Core.example"]
    assert all(may_lie_at("core.EXAMPLE.", peer) for peer in PRIVATE)
    assert not may_lie_at("sub.core.example", "10.0.0.7")
    for host in ("10.9.9.9", "localhost", "postgres", "node.lan", "node.home.arpa"):
        assert all(may_lie_at(host, peer) for peer in PRIVATE)


@pytest.fixture
def rebound(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A name of the world that leads to a listener on this machine; what that was sent."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    true_way, port = socket.getaddrinfo, listener.getsockname()[1]

    def found(host: Any, asked: Any, *rest: Any, **given: Any) -> Any:
        if host == "core.example":
            return true_way("127.0.0.1", port, *rest, **given)
        return true_way(host, asked, *rest, **given)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield heard
    listener.settimeout(5)
    connection, _address = listener.accept()
    heard.append(connection.recv(1))
    connection.close()
    listener.close()
    assert heard == [b""], "nothing was sent"


def test_the_exchange_is_not_asked_where_it_may_not_lie(rebound: list[bytes]) -> None:
    with pytest.raises(GatewayTimeout, match="PeerRefused"):
        HttpExchange("http://core.example", "t" * 40).balances("NQ-1")


def test_a_node_is_not_asked_where_it_may_not_lie(rebound: list[bytes], tmp_path: Any) -> None:
    node = NodeSettings(name="n", folder=tmp_path, ledger="bitcoin", url="http://core.example")
    with pytest.raises(NodeRefused, match=r"leads to 127\.0\.0\.1.*FIU_PRIVATE_HOSTS"):
        Wire(node).get("/", "root", lambda answer: answer)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_provider_is_not_asked_where_it_may_not_lie(rebound: list[bytes], scheme: str) -> None:
    with pytest.raises(requests.RequestException), CarefulSession() as session:
        session.get(f"{scheme}://core.example/")


def test_the_rule_names_the_domains_that_are_always_local() -> None:
    assert all(may_lie_at(f"x.{domain}", "10.0.0.1") for domain in peers.LOCAL)
