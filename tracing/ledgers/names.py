"""The ledgers there are: their names, networks, CAIP-2 keys and first blocks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tracing.engine.addresses import Network
from tracing.engine.chains import BITCOIN_CHAIN, TRON
from tracing.errors import LedgerError, LedgerMissing

NETWORK: Final = {
    "bitcoin": Network.MAIN,
    "bitcoin-test": Network.TEST,
    "bitcoin-regtest": Network.REGTEST,
}
NAME: Final = {network: name for name, network in NETWORK.items()}
GENESIS: Final = {
    "bitcoin": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "bitcoin-test": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "bitcoin-regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}
EVM: Final = {"ethereum": 1, "ethereum-dev": 31337, "bsc": 56, "polygon": 137}
"""Ledgers of Ethereum-like chains -> chain id; `-dev` is a local development node's."""
ACCOUNT_CHAIN: Final = {
    **{name: f"eip155:{number}" for name, number in EVM.items()},
    "tron": TRON[1],
}
"""Ledgers of accounts, not of coins -> CAIP-2 key."""
CHAIN: Final = {**{n: BITCOIN_CHAIN[network] for n, network in NETWORK.items()}, **ACCOUNT_CHAIN}
ALIASES: Final = {"bitcoin": tuple(NETWORK), "ethereum": ("ethereum", "ethereum-dev")}
"""A plain name -> the ledgers it may mean: the only one of them that is loaded, else itself."""
MANIFEST: Final = "manifest.json"


def folder(home: Path, name: str) -> Path:
    """Where a ledger lies."""
    return home / "ledgers" / name


def first_block(name: str) -> bytes:
    """Hash of the ledger's first block, in wire order."""
    return bytes.fromhex(GENESIS[name])[::-1]


def present(home: Path) -> list[str]:
    """Names of the ledgers loaded, main first: 15 us."""
    # Text, not paths: an import asks this for each address, and making paths took 0.5 ms.
    return [name for name in CHAIN if _is_present(home, name)]


def _is_present(home: Path, name: str) -> bool:
    return os.path.exists(f"{home}/ledgers/{name}/{MANIFEST}")


def is_account(name: str) -> bool:
    """Whether a ledger's rows are transfers between accounts rather than coins."""
    return name in ACCOUNT_CHAIN


def resolve(home: Path, name: str) -> str:
    """The full name of a loaded ledger: a plain name means the only one present, else main.

    Raises LedgerError for an unknown name, LedgerMissing if it is not loaded.
    """
    if name not in CHAIN:
        raise LedgerError(f"no ledger is called {name!r}; known are {', '.join(CHAIN)}")
    found = [other for other in ALIASES.get(name, (name,)) if _is_present(home, other)]
    if len(found) == 1:
        return found[0]
    if name not in found:
        raise LedgerMissing(f"the ledger {name} is empty; load blocks into it with {loader(name)}")
    return name


def loader(name: str) -> str:
    """The command that fills a ledger."""
    if name in NETWORK:
        return "load_blocks"
    return "load_evm" if name in EVM else "load_tron"


def choose_evm(home: Path, name: str, chain_id: int | None) -> str:
    """The ledger to load Ethereum-like rows into; plain `ethereum` gives way to a local node's.

    Raises LedgerError where the rows name another chain than the ledger's.
    """
    if name not in EVM:
        raise LedgerError(f"no such ledger is called {name!r}; known are {', '.join(EVM)}")
    if chain_id is None:
        only = name == "ethereum" and present(home) == ["ethereum-dev"]
        return "ethereum-dev" if only else name
    if name == "ethereum" and chain_id == EVM["ethereum-dev"]:
        return "ethereum-dev"
    if chain_id != EVM[name]:
        raise LedgerError(f"these rows are of chain {chain_id}; {name} is chain {EVM[name]}")
    return name


def choose_for_load(home: Path, name: str, network: str | None, seen: Network | None) -> str:
    """The ledger to load into, from the name given, the network given, and what the files say.

    An explicit network wins; then a name with a network in it; then the magic of the files; then
    the only ledger present, else main. Blocks that turn out to be of another network are refused
    afterwards.
    """
    if name not in NETWORK:
        raise LedgerError(f"no ledger is called {name!r}; known are {', '.join(NETWORK)}")
    if network is not None:
        try:
            chosen = NAME[Network(network)]
        except ValueError:
            known = ", ".join(NAME)
            raise LedgerError(f"no network is called {network!r}; known are {known}") from None
        if name not in ("bitcoin", chosen):
            raise LedgerError(f"{name} is not a ledger of the network {network}")
        return chosen
    if name != "bitcoin":
        return name
    if seen is not None:
        return NAME[seen]
    # Regtest blocks show themselves by their difficulty, so these are of main or test.
    loaded = [other for other in present(home) if other in NETWORK]
    return "bitcoin-test" if loaded == ["bitcoin-test"] else "bitcoin"
