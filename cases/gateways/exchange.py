"""The exchange core that executes holds: the protocol, and its client over HTTP.

What leaves this house is an account, an asset, an amount and an opaque reference; never why. The
wire format stands in docs/operate/exchange_gateway.md.

    GatewayError
    ├── GatewayNotConfigured   FIU_EXCHANGE_URL is empty: holds wait in the outbox
    ├── GatewayTimeout         no clear answer: it may or may not have happened, so ask by key
    └── GatewayRefused         the exchange said no, with a reason code
"""

import http.client
import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.conf import settings

from tracing.reads import require_peer

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
MAXIMUM_ANSWER = 262_144
AMOUNT = re.compile(r"[0-9]{1,78}")


class GatewayError(Exception):
    """The exchange did not do what was asked, or we cannot know."""


class GatewayNotConfigured(GatewayError):
    """No exchange is set: nothing was sent."""


class GatewayTimeout(GatewayError):
    """No clear answer. Never try again blindly: `find` the key first."""


class GatewayRefused(GatewayError):
    """The exchange refused; `reason` is its code."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The exchange refused: {reason}.")


@dataclass(frozen=True)
class ReceiptPart:
    """One receipt of an answer: `source` says where the value lay (balance, withdrawal)."""

    external_ref: str
    source: str
    base: int


@dataclass(frozen=True)
class Receipt:
    """What the exchange executed, in base units; less than asked where less was free.

    `parts` where the answer consists of several receipts, such as free balance and a stopped
    withdrawal; they add up to `executed`.
    """

    external_ref: str
    executed: int
    at: datetime
    parts: tuple[ReceiptPart, ...] = ()
    txid: str = ""  # of a transfer: the transaction that carries it

    @property
    def booked(self) -> tuple[ReceiptPart, ...]:
        """The receipts to book: the parts, or the whole as one."""
        return self.parts or (ReceiptPart(self.external_ref, "balance", self.executed),)


@dataclass(frozen=True)
class Refusal:
    """A key that the exchange knows and refused."""

    reason: str


@dataclass(frozen=True)
class CoreBalance:
    """One asset of an account at the exchange, in base units."""

    asset: str
    free: int
    held: int


class ExchangeGateway(Protocol):
    """Every call may be repeated with the same key and acts once.

    Raises GatewayTimeout or GatewayRefused; `find` answers None for a key never received.
    """

    def freeze(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt: ...

    def release(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt: ...

    def seize(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        """Set held value apart: it is the account's no longer, and still in custody."""
        ...

    def transfer(
        self,
        key: UUID,
        account: str,
        asset: str,
        amount: int | None,
        reference: str,
        destination: str,
    ) -> Receipt:
        """Send seized value to an address outside; the receipt names the transaction."""
        ...

    def find(self, key: UUID) -> Receipt | Refusal | None: ...

    def balances(self, account: str) -> list[CoreBalance]: ...


class HttpExchange:
    """The client: one host, no redirects, 3 s to connect, 10 s to answer, 256 KB at most."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GatewayNotConfigured("FIU_EXCHANGE_URL must be an http:// or https:// address.")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._token = token
        self._connect_seconds = connect_seconds
        self._read_seconds = read_seconds

    def freeze(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._change("/holds", key, account, asset, amount, reference)

    def release(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._change("/releases", key, account, asset, amount, reference)

    def seize(
        self, key: UUID, account: str, asset: str, amount: int | None, reference: str
    ) -> Receipt:
        return self._change("/seizures", key, account, asset, amount, reference)

    def transfer(
        self,
        key: UUID,
        account: str,
        asset: str,
        amount: int | None,
        reference: str,
        destination: str,
    ) -> Receipt:
        to = {"destination": destination}
        return self._change("/transfers", key, account, asset, amount, reference, to)

    def find(self, key: UUID) -> Receipt | Refusal | None:
        status, answer = self._call("GET", f"/operations/{key}")
        if status == http.HTTPStatus.NOT_FOUND and answer.get("error") == "unknown_key":
            return None
        if status != http.HTTPStatus.OK:
            raise GatewayTimeout(f"The exchange answered {status} to a question by key.")
        if "refused" in answer:
            return Refusal(_word(answer["refused"]))
        return _receipt(answer)

    def balances(self, account: str) -> list[CoreBalance]:
        status, answer = self._call("GET", f"/balances/{quote(account, safe='')}")
        if status == http.HTTPStatus.NOT_FOUND and answer.get("error") == "unknown_account":
            return []
        if status != http.HTTPStatus.OK or not isinstance(answer.get("balances"), list):
            raise GatewayTimeout(f"The exchange answered {status} to a question for balances.")
        try:
            return [
                CoreBalance(str(row["asset"]), _amount(row["free"]), _amount(row["held"]))
                for row in answer["balances"]
            ]
        except (KeyError, TypeError) as error:
            raise GatewayTimeout("The exchange sent balances we cannot read.") from error

    def _change(
        self,
        path: str,
        key: UUID,
        account: str,
        asset: str,
        amount: int | None,
        reference: str,
        more: Mapping[str, str] | None = None,
    ) -> Receipt:
        body = {
            "account": account,
            "asset": asset,
            "amount": None if amount is None else str(amount),
            "reference": reference,
            **(more or {}),
        }
        status, answer = self._call("POST", path, body, {"Idempotency-Key": str(key)})
        if status == http.HTTPStatus.OK:
            return _receipt(answer)
        if status == http.HTTPStatus.UNPROCESSABLE_ENTITY and "refused" in answer:
            raise GatewayRefused(_word(answer["refused"]))
        if status == http.HTTPStatus.CONFLICT:
            raise GatewayRefused("key_used_for_something_else")
        raise GatewayTimeout(f"The exchange answered {status}: whether it acted is not known.")

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        connection = self._connection()
        try:
            connection.connect()
            require_peer(self._host, connection.sock)
            connection.sock.settimeout(self._read_seconds)
            connection.request(
                method,
                self._base + path,
                body=None if body is None else json.dumps(body),
                headers={
                    "Authorization": f"Bearer {self._token}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    **(headers or {}),
                },
            )
            response = connection.getresponse()
            content = self._read(response)
        except (OSError, http.client.HTTPException) as error:
            raise GatewayTimeout(f"No answer from the exchange: {type(error).__name__}.") from error
        finally:
            connection.close()
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise GatewayTimeout("The exchange sent an answer we cannot read.") from error
        if not isinstance(answer, dict):
            raise GatewayTimeout("The exchange sent an answer we cannot read.")
        return response.status, answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(
                self._host,
                self._port,
                timeout=self._connect_seconds,
                context=ssl.create_default_context(),
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._connect_seconds)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """The body, within the size and the time allowed: a trickle is no answer."""
        end = time.monotonic() + self._read_seconds
        content = b""
        while chunk := response.read1(65_536):
            content += chunk
            if len(content) > MAXIMUM_ANSWER:
                raise GatewayTimeout("The exchange sent more than an answer may hold.")
            if time.monotonic() > end:
                raise GatewayTimeout("The exchange did not finish its answer in time.")
        return content


def exchange_gateway() -> ExchangeGateway:
    """The exchange of this installation's settings.

    Raises GatewayNotConfigured when there is none.
    """
    if not settings.EXCHANGE_URL:
        raise GatewayNotConfigured("No exchange is connected: FIU_EXCHANGE_URL is empty.")
    try:
        token = settings.EXCHANGE_TOKEN_FILE.read_text().strip()
    except OSError as error:
        raise GatewayNotConfigured(
            f"The token file {settings.EXCHANGE_TOKEN_FILE} cannot be read."
        ) from error
    return HttpExchange(settings.EXCHANGE_URL, token)


def _receipt(answer: Mapping[str, Any]) -> Receipt:
    try:
        parts = tuple(
            ReceiptPart(
                external_ref=_word(part["external_ref"]),
                source=str(part["source"])[:24],
                base=_amount(part["base"]),
            )
            for part in answer.get("parts", [])
        )
        receipt = Receipt(
            external_ref=_word(answer["external_ref"]),
            executed=_amount(answer["executed"]),
            at=_time(answer["at"]),
            parts=parts,
            txid=str(answer.get("txid", ""))[:100],
        )
    except KeyError as error:
        raise GatewayTimeout(f"The exchange's receipt lacks {error}.") from error
    except TypeError as error:
        raise GatewayTimeout("The exchange sent receipts we cannot read.") from error
    if parts and sum(part.base for part in parts) != receipt.executed:
        raise GatewayTimeout("The exchange's receipts do not add up.")
    return receipt


def _amount(text: object) -> int:
    if not isinstance(text, str) or not AMOUNT.fullmatch(text):
        raise GatewayTimeout("The exchange sent an amount that is no text of digits.")
    return int(text)


def _word(text: object) -> str:
    return str(text)[:60]


def _time(text: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise GatewayTimeout("The exchange sent a time we cannot read.") from error
    if at.tzinfo is None:
        raise GatewayTimeout("The exchange sent a time without a zone.")
    return at
