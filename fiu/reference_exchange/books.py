"""The books: what each account has free and held, and the answer given to each key."""

import csv
import hashlib
import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS balance (
    account TEXT NOT NULL, asset TEXT NOT NULL, free TEXT NOT NULL, held TEXT NOT NULL,
    PRIMARY KEY (account, asset)
);
CREATE TABLE IF NOT EXISTS stopped (
    ref TEXT PRIMARY KEY, account TEXT NOT NULL, asset TEXT NOT NULL, base TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS operation (
    key TEXT PRIMARY KEY, body_hash TEXT NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS seized (
    account TEXT NOT NULL, asset TEXT NOT NULL, base TEXT NOT NULL, PRIMARY KEY (account, asset)
);
CREATE TABLE IF NOT EXISTS loaded (file_hash TEXT PRIMARY KEY);
"""
AMOUNT = re.compile(r"[0-9]{1,78}")

Answer = tuple[int, dict[str, Any]]


def _now() -> datetime:
    return datetime.now(UTC)


class Books:
    """One SQLite file; every change and its answer are one transaction, so a key acts once.

    Amounts are integers in base units, kept as text because they may have 78 digits. `clock` says
    what time a receipt bears.
    """

    def __init__(self, file: Path, clock: Callable[[], datetime] = _now) -> None:
        self.file, self.clock = file, clock
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    def load(self, balances: Path) -> int:
        """Take balances from a CSV file (account, asset, base, at); known accounts stay.

        A movements.csv beside it names the withdrawals that were stopped: their value is still in
        the balance, and a hold that reaches it says so in a receipt of its own.
        """
        content = balances.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM loaded WHERE file_hash=?", (digest,)).fetchone():
                return 0
            rows = [
                (row["account"], row["asset"], str(int(row["base"])))
                for row in csv.DictReader(content.decode().splitlines())
                if AMOUNT.fullmatch(row["base"])
            ]
            connection.executemany("INSERT OR IGNORE INTO balance VALUES (?, ?, ?, '0')", rows)
            connection.executemany(
                "INSERT OR IGNORE INTO stopped VALUES (?, ?, ?, ?)",
                _stopped_withdrawals(balances.with_name("movements.csv")),
            )
            connection.execute("INSERT INTO loaded VALUES (?)", (digest,))
        return len(rows)

    def hold(self, key: str, body: dict[str, Any]) -> Answer:
        """Hold an amount, or what is free if that is less; `amount` null holds all that is free."""
        return self._once(key, "hold", body)

    def release(self, key: str, body: dict[str, Any]) -> Answer:
        """Free a held amount; `amount` null frees all that is held."""
        return self._once(key, "release", body)

    def seize(self, key: str, body: dict[str, Any]) -> Answer:
        """Set a held amount apart, in custody but the account's no longer."""
        return self._once(key, "seizure", body)

    def transfer(self, key: str, body: dict[str, Any]) -> Answer:
        """Send a seized amount to `destination`; the receipt names a made-up transaction."""
        return self._once(key, "transfer", body)

    def find(self, key: str) -> Answer:
        """The answer once given to a key."""
        with self._transaction() as connection:
            row = connection.execute("SELECT answer FROM operation WHERE key=?", (key,)).fetchone()
        return (404, {"error": "unknown_key"}) if row is None else (200, json.loads(row[0]))

    def balances(self, account: str) -> Answer:
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT asset, free, held FROM balance WHERE account=? ORDER BY asset", (account,)
            ).fetchall()
        if not rows:
            return 404, {"error": "unknown_account"}
        return 200, {
            "account": account,
            "balances": [{"asset": a, "free": free, "held": held} for a, free, held in rows],
        }

    def _once(self, key: str, kind: str, body: dict[str, Any]) -> Answer:
        digest = hashlib.sha256(json.dumps([kind, body], sort_keys=True).encode()).hexdigest()
        with self._transaction() as connection:
            known = connection.execute(
                "SELECT body_hash, status, answer FROM operation WHERE key=?", (key,)
            ).fetchone()
            if known is not None:
                if known[0] != digest:
                    return 409, {"error": "key_used_for_something_else"}
                return known[1], json.loads(known[2])
            status, answer = self._move(connection, kind, body)
            connection.execute(
                "INSERT INTO operation VALUES (?, ?, ?, ?)",
                (key, digest, status, json.dumps(answer)),
            )
        return status, answer

    def _at(self) -> str:
        return self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _move(self, connection: sqlite3.Connection, kind: str, body: dict[str, Any]) -> Answer:
        account, asset = str(body.get("account")), str(body.get("asset"))
        wanted = body.get("amount")
        if wanted is not None and not (isinstance(wanted, str) and AMOUNT.fullmatch(wanted)):
            return 422, {"refused": "amount_unreadable"}
        row = connection.execute(
            "SELECT free, held FROM balance WHERE account=? AND asset=?", (account, asset)
        ).fetchone()
        if row is None:
            return 422, {"refused": "no_such_balance"}
        if kind in ("seizure", "transfer"):
            return _take(connection, kind, body, int(row[1]), self._at())
        free, held = int(row[0]), int(row[1])
        available = free if kind == "hold" else held
        amount = available if wanted is None else min(int(wanted), available)
        if kind == "release" and wanted is not None and int(wanted) > held:
            return 422, {"refused": "more_than_held"}
        if amount == 0:
            return 422, {"refused": "nothing_there"}
        sign = 1 if kind == "hold" else -1
        connection.execute(
            "UPDATE balance SET free=?, held=? WHERE account=? AND asset=?",
            (str(free - sign * amount), str(held + sign * amount), account, asset),
        )
        answer = {
            "external_ref": f"{kind[0].upper()}-{uuid.uuid4().hex[:12]}",
            "executed": str(amount),
            "at": self._at(),
        }
        if kind == "hold":
            answer |= _parts(connection, account, asset, free, amount, answer["external_ref"])
        return 200, answer

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.file, timeout=20, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _take(
    connection: sqlite3.Connection, kind: str, body: dict[str, Any], held: int, now: str
) -> Answer:
    """Move held value to what is seized, or seized value out; never more than is there."""
    at = (str(body.get("account")), str(body.get("asset")))
    row = connection.execute("SELECT base FROM seized WHERE account=? AND asset=?", at).fetchone()
    seized = int(row[0]) if row else 0
    there = held if kind == "seizure" else seized
    wanted = there if body.get("amount") is None else int(body["amount"])
    if wanted > there:
        return 422, {"refused": "more_than_held" if kind == "seizure" else "more_than_seized"}
    if wanted == 0:
        return 422, {"refused": "nothing_there"}
    if kind == "transfer" and not body.get("destination"):
        return 422, {"refused": "no_destination"}
    if kind == "seizure":
        connection.execute(
            "UPDATE balance SET held=? WHERE account=? AND asset=?", (str(held - wanted), *at)
        )
    left = seized + wanted if kind == "seizure" else seized - wanted
    connection.execute("INSERT OR REPLACE INTO seized VALUES (?, ?, ?)", (*at, str(left)))
    answer = {
        "external_ref": f"{kind[0].upper()}-{uuid.uuid4().hex[:12]}",
        "executed": str(wanted),
        "at": now,
    }
    return 200, answer | ({"txid": uuid.uuid4().hex * 2} if kind == "transfer" else {})


def _stopped_withdrawals(movements: Path) -> list[tuple[str, str, str, str]]:
    """Reference, account, asset and amount of each withdrawal with the status "stopped"."""
    if not movements.exists():
        return []
    with movements.open(encoding="utf-8", newline="") as file:
        header = file.readline()
        few = [header, *(line for line in file if ",stopped," in line)]
    return [
        (row["ref"], row["account"], row["asset"], str(int(row["base"])))
        for row in csv.DictReader(few)
        if row["kind"] == "withdrawal" and AMOUNT.fullmatch(row["base"])
    ]


def _parts(
    connection: sqlite3.Connection, account: str, asset: str, free: int, amount: int, ref: str
) -> dict[str, Any]:
    """The receipts of a hold that reaches into stopped withdrawals; nothing where none does."""
    rows = connection.execute(
        "SELECT ref, base FROM stopped WHERE account=? AND asset=? ORDER BY ref", (account, asset)
    ).fetchall()
    plain = min(amount, max(0, free - sum(int(base) for _, base in rows)))
    wanted = amount - plain
    if not wanted:
        return {}
    connection.execute("DELETE FROM stopped WHERE account=? AND asset=?", (account, asset))
    parts = [("balance", plain), ("withdrawal", wanted)]
    return {
        "parts": [
            {"external_ref": f"{ref}-{number}", "source": source, "base": str(base)}
            for number, (source, base) in enumerate(parts, 1)
            if base
        ]
    }
