"""The nodes of this installation: one TOML file, checked as a whole, with no secret in it.

Only the hosts in this file are ever asked; a password lies in a file of its own.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tracing.errors import NodeNotConfigured
from tracing.ledgers import names

DIALECTS: Final = ("core", "bcoin", "evm", "esplora")
FOLLOWED: Final = (*names.NETWORK, *names.EVM)
"""Ledgers that can follow a node."""
NAME: Final = 60
"""Longest name of a node."""


_TYPES: Final = {"str": (str,), "int": (int,), "float": (int, float)}


@dataclass(frozen=True)
class NodeSettings:
    """One node that may be asked. Times in seconds.

    Attributes:
        name: what `sync_chain` calls it; ledger: the ledger that follows it.
        url: `http://host:port` or `https://...`, never with a password in it.
        user, password_file: basic auth; for bcoin the password is its API key.
        cookie_file: Bitcoin Core's `.cookie`, read anew for each connection, instead of both.
        first_height: where an empty ledger begins.
        connect_seconds, read_seconds: longest wait for a connection, and for a whole answer.
        tries: how often one question is asked before the node counts as gone.
        requests_per_second: at most so many, on average.
        batch_blocks, batch_megabytes: a batch is stored when it holds that much, at the latest.
        batch_calls: calls that go out together to an Ethereum-like node.
    """

    name: str
    ledger: str
    url: str
    dialect: str = "core"
    user: str = ""
    password_file: str = ""
    cookie_file: str = ""
    first_height: int = 0
    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    tries: int = 6
    requests_per_second: float = 200.0
    batch_blocks: int = 10_000
    batch_megabytes: int = 64
    batch_calls: int = 50
    folder: Path = field(default=Path(), repr=False)  # files are named from here

    @property
    def host(self) -> str:
        """Host and port: what may be shown and logged."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def configured_nodes(path: Path) -> dict[str, NodeSettings]:
    """All nodes of the file by name; none where there is no file.

    Raises NodeNotConfigured: the file cannot be read or one of its values cannot be used.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise NodeNotConfigured(f"{path} cannot be read: {error}") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NodeNotConfigured(f"{path} is not TOML: {error}") from None
    return {name: _node(path, name, table) for name, table in tables.items()}


def configured_node(path: Path, name: str) -> NodeSettings:
    """One node by its name, or by its ledger's where only one node follows that ledger.

    Raises NodeNotConfigured.
    """
    nodes = configured_nodes(path)
    if name in nodes:
        return nodes[name]
    following = [n for n in nodes.values() if n.ledger == name and n.dialect != "esplora"]
    if len(following) == 1:
        return following[0]
    known = f"known are {', '.join(sorted(nodes))}" if nodes else "it names none"
    raise NodeNotConfigured(f"no node is called {name!r} in {path} (FIU_NODES_FILE); {known}")


def _node(path: Path, name: str, table: Any) -> NodeSettings:  # whatever the file holds
    def refuse(reason: str) -> NodeNotConfigured:
        return NodeNotConfigured(f"{path}: the node {name!r} {reason}")

    if not isinstance(table, dict):
        raise NodeNotConfigured(f"{path}: {name!r} stands outside of a node: write [name] first")
    if len(name) > NAME:
        raise refuse(f"has a name of more than {NAME} characters")
    known = {f.name: f for f in fields(NodeSettings) if f.name not in ("name", "folder")}
    for key, value in table.items():
        if key not in known:
            raise refuse(f"has the unknown setting {key!r}; known are {', '.join(known)}")
        wanted: tuple[type, ...] = _TYPES[str(known[key].type)]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise refuse(f"has a {key} that is no {known[key].type}: {value!r}")
    for key in ("ledger", "url"):
        if not table.get(key):
            raise refuse(f"has no {key}")
    if table["ledger"] in names.EVM:
        table = {"dialect": "evm", **table}
    node = NodeSettings(name=name, folder=path.parent, **table)
    if node.ledger not in FOLLOWED:
        raise refuse(f"follows no known ledger; known are {', '.join(FOLLOWED)}")
    if node.dialect not in DIALECTS:
        raise refuse(f"speaks no known dialect; known are {', '.join(DIALECTS)}")
    if (node.dialect == "evm") != (node.ledger in names.EVM):
        raise refuse(f"speaks the dialect {node.dialect}, which {node.ledger} does not have")
    _check_url(node, refuse)
    if node.cookie_file and (node.user or node.password_file):
        raise refuse("has a cookie_file and a user or password_file: give one of the two")
    for key in ("connect_seconds", "read_seconds", "requests_per_second", "tries", "batch_blocks",
                "batch_megabytes", "batch_calls"):  # fmt: skip
        if getattr(node, key) <= 0:
            raise refuse(f"needs a {key} above 0")
    if node.first_height < 0:
        raise refuse("needs a first_height of 0 or more")
    return node


def _check_url(node: NodeSettings, refuse: Any) -> None:  # a function that makes an error
    try:
        parts = urlsplit(node.url)
        _port = parts.port
    except ValueError:
        raise refuse("has a url that cannot be read") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise refuse("needs a url that starts with http:// or https://")
    if parts.username is not None or parts.password is not None:
        # Not repeated in the message: it may be logged.
        raise refuse("has a user or password in its url: they belong into user and password_file")
    if parts.query or parts.fragment:
        raise refuse("has a url with a query; only host, port and path are used")
