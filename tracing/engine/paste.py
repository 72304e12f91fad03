"""Pasted text to addresses: every line is accepted or reported with its number and reason.

People paste from spreadsheets, mails and reports: lists, links, payment URIs, defanged text,
invisible characters. Candidates are found by pattern and kept by checksum. Source of the URI form:
BIP-21 and EIP-681.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from tracing.engine.addresses import BitcoinAddress
from tracing.engine.chains import ChainAddress, decode_kept_address
from tracing.errors import AddressError

_INVISIBLE: Final = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_DIRECTION: Final = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_DEFANGED: Final = (
    (re.compile(r"[\[({]\s*([.:])\s*[\])}]"), r"\1"),
    (re.compile(r"\bhxxp", re.I), "http"),
)
_TOKEN_BREAK: Final = re.compile(r"[\s,;|\"'`<>()\[\]{}=?&#/@\\]+")
_URI: Final = re.compile(r"\b(?:bitcoin:(?://)?|(?:ethereum|tron):(?:pay-)?)", re.I)
_CANDIDATE: Final = re.compile(
    r"(?:(?:bc|tb|bcrt)1[a-z0-9]{6,87}|[123mnLMDTX][a-zA-Z0-9]{24,43}|0x[0-9a-fA-F]{40}"
    r"|41[0-9a-fA-F]{40})",
    re.I,
)


@dataclass(frozen=True, slots=True)
class PastedLine:
    """One pasted line or, where a line holds several addresses, one address of it.

    Attributes:
        number: line number from 1; text: the line as pasted, without its end.
        address: set when accepted; reason: a sentence, set when not.
        repeats: number of the earlier line with the same address, set for a repetition.
    """

    number: int
    text: str
    address: BitcoinAddress | ChainAddress | None = None
    reason: str = ""
    repeats: int | None = None


@dataclass(frozen=True, slots=True)
class Paste:
    """The whole paste, in line order; blank lines are left out."""

    lines: tuple[PastedLine, ...]

    @property
    def accepted(self) -> tuple[PastedLine, ...]:
        """Lines with a new, valid address."""
        return tuple(line for line in self.lines if line.address and line.repeats is None)

    @property
    def repeated(self) -> tuple[PastedLine, ...]:
        """Lines whose address came before."""
        return tuple(line for line in self.lines if line.repeats is not None)

    @property
    def rejected(self) -> tuple[PastedLine, ...]:
        """Lines without a valid address."""
        return tuple(line for line in self.lines if line.address is None)


def clean(line: str) -> str:
    """The line without invisible characters and defanging.

    Raises AddressError for direction controls.
    """
    if any(char in _DIRECTION for char in line):
        raise AddressError("contains text direction controls, which can disguise an address")
    line = line.translate(_INVISIBLE).replace("\u00a0", " ").strip()
    for pattern, repl in _DEFANGED:
        line = pattern.sub(repl, line)
    return line


def parse_address_text(text: str) -> BitcoinAddress | ChainAddress:
    """One address as typed or pasted, cleaned, without `bitcoin:` or the like and parameters.

    Raises AddressError.
    """
    cleaned = text
    if not (text.isascii() and text.isalnum()):  # a plain word holds nothing to clean
        cleaned = re.split(r"[?@/]", _URI.sub("", clean(text), count=1).strip(), maxsplit=1)[0]
        _refuse_foreign_letters(cleaned)
    return decode_kept_address(cleaned)


def parse_paste(text: str) -> Paste:
    """Read a pasted list; nothing is dropped silently.

    A line may hold an address among other words, several addresses, a link or a `bitcoin:` URI.
    `#` starts a comment line, which is reported as such.

    Cost: about 40 us a line.
    """
    found: list[PastedLine] = []
    first_seen: dict[str, int] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.translate(_INVISIBLE).strip():
            continue
        for line in _read_line(number, raw):
            if line.address is None:
                found.append(line)
                continue
            seen = first_seen.get(line.address.text)
            if seen is None:
                first_seen[line.address.text] = number
                found.append(line)
            else:
                found.append(PastedLine(number, raw, line.address, f"repeats line {seen}", seen))
    return Paste(tuple(found))


def _read_line(number: int, raw: str) -> list[PastedLine]:
    try:
        line = clean(raw)
    except AddressError as error:
        return [PastedLine(number, raw, reason=str(error))]
    if line.startswith("#"):
        return [PastedLine(number, raw, reason="a comment line")]
    tokens = [token for token in _TOKEN_BREAK.split(_URI.sub(" ", line)) if token]
    candidates = [token.strip(".:!") for token in tokens]
    candidates = [token for token in candidates if _CANDIDATE.fullmatch(token)]
    if not candidates:
        return [PastedLine(number, raw, reason=_why_none(tokens))]
    rows = []
    for candidate in candidates:
        try:
            rows.append(PastedLine(number, raw, decode_kept_address(candidate)))
        except AddressError as error:
            rows.append(PastedLine(number, raw, reason=f"{_short(candidate)}: {error}"))
    return rows


def _why_none(tokens: list[str]) -> str:
    longest = max(tokens, key=len, default="")
    try:
        _refuse_foreign_letters(longest)
        if len(longest) >= 20:
            decode_kept_address(longest)
    except AddressError as error:
        return f"{_short(longest)}: {error}"
    return "no address found in this line"


def _short(text: str) -> str:
    """A reason is one sentence, whatever was pasted: no address has more than 110 signs."""
    return text if len(text) <= 110 else f"{text[:20]}…{text[-4:]} ({len(text):,} signs)"


def _refuse_foreign_letters(text: str) -> None:
    for char in text:
        if not char.isascii():
            name = unicodedata.name(char, f"U+{ord(char):04X}")
            raise AddressError(f"contains {char!r} ({name}), which no address uses")
