"""What a run is asked to do: parameters as people give them, and the spec kernels take."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import rfc8785

from tracing.errors import ParametersError

Json: TypeAlias = dict[str, object]

POLICIES: Final = ("haircut", "fifo", "lifo", "poison")
MODES: Final = ("destination", "source", "paths")
DIRECTIONS: Final = ("forward", "backward")
COINJOIN: Final = ("stop", "through")
MAX_HOPS: Final = 32
MAX_SEEDS: Final = 10_000
MAX_MONEY: Final = 21_000_000 * 100_000_000
"""Satoshi that can ever exist: no amount of a run on Bitcoin is larger."""
MAX_AMOUNT: Final = 2**256 - 1
"""The largest number an account chain can write."""

EXCHANGE_BOUNDARY: Final = "exchange_boundary"
SERVICE: Final = "service"
WALL_OF_KIND: Final[Mapping[str, str]] = {
    "exchange_deposit": EXCHANGE_BOUNDARY,
    "exchange_own": EXCHANGE_BOUNDARY,
    "service": SERVICE,
}
"""Kind of a boundary row -> status of a coin that reaches it."""

Walls: TypeAlias = Mapping[int, str]
"""Address id -> status a trace ends with there (`exchange_boundary` or `service`)."""

_OUTPOINT = re.compile(r"(?:0x)?[0-9a-fA-F]{64}:[0-9]{1,9}")
_WORD = re.compile(r"[\x21-\x7e]{1,200}")
_HOLDING = re.compile(r"([0-9A-Za-z]{20,90})(?:@([-:/.%0-9A-Za-z]{1,120}))?(?:#([0-9]*)-([0-9]*))?")


def canonical_sha256(value: object) -> str:
    """SHA-256 over the RFC 8785 canonical JSON of a value, as hex."""
    # The package types its argument by a private recursive alias; it checks the value itself.
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()  # type: ignore[arg-type]


@dataclass(frozen=True)
class TraceParameters:
    """A run as a person asks for it. Equal questions are equal values: seeds are sorted, once each.

    Args:
        ledger: ledger name, such as `bitcoin`.
        mode: `destination` (forward), `source` (backward) or `paths` (from seeds to targets).
        seeds, targets: `txid:vout` or an address; an address means all its outputs. On an account
            ledger `txid:index` is a transfer, and an address may be `ADDRESS@TOKEN#FROM-TO`: what
            it received of the token, without one of the chain's own coin, in these blocks.
        policy: haircut, fifo, lifo or poison; paths ignore it.
        max_hops: 1 to 32 transactions, None for no limit (paths: 8).
        min_value: base units; coins worth less are not followed, amounts below it only counted.
        until_height: last block a forward run looks at, first block a backward run goes back to.
        coinjoin: `stop` ends at a CoinJoin, `through` applies the policy to it.
        stops: service addresses to stop at, beside the boundaries the installation knows.

    Raises ParametersError with one sentence when a value is not usable.
    """

    ledger: str
    seeds: tuple[str, ...]
    mode: str = "destination"
    targets: tuple[str, ...] = ()
    policy: str = "haircut"
    max_hops: int | None = None
    min_value: int = 0
    until_height: int | None = None
    coinjoin: str = "stop"
    stops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _WORD.fullmatch(self.ledger):
            raise ParametersError("Name the ledger, such as bitcoin.")
        _one_of("mode", self.mode, MODES)
        _one_of("policy", self.policy, POLICIES)
        _one_of("coinjoin", self.coinjoin, COINJOIN)
        _number("max_hops", self.max_hops, 1, MAX_HOPS)
        most = MAX_MONEY if self.ledger.startswith("bitcoin") else MAX_AMOUNT
        _number("min_value", self.min_value, 0, most)
        _number("until_height", self.until_height, 0, 0xFFFFFFFF)
        for name in ("seeds", "targets", "stops"):
            object.__setattr__(self, name, _places(name, getattr(self, name)))
        if not self.seeds:
            raise ParametersError("Give at least one seed: txid:vout or an address.")
        if (self.mode == "paths") != bool(self.targets):
            raise ParametersError(
                "A search for paths needs a target, and only such a search has one."
            )
        if any({":", "@", "#"} & set(stop) for stop in self.stops):
            raise ParametersError("Stops are addresses, not outputs.")

    @property
    def direction(self) -> str:
        """`backward` for a source run, else `forward`."""
        return "backward" if self.mode == "source" else "forward"

    @property
    def params_hash(self) -> str:
        """SHA-256 over the canonical JSON: equal for equal questions."""
        return canonical_sha256(self.to_json())

    def to_json(self) -> Json:
        """A JSON object with every field; the amount is a string."""
        return {
            "ledger": self.ledger,
            "mode": self.mode,
            "seeds": list(self.seeds),
            "targets": list(self.targets),
            "policy": self.policy,
            "max_hops": self.max_hops,
            "min_value": str(self.min_value),
            "until_height": self.until_height,
            "coinjoin": self.coinjoin,
            "stops": list(self.stops),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> TraceParameters:
        """Read what `to_json` wrote; absent fields take defaults, unknown ones are refused."""
        fields = dict(value)
        unknown = sorted(set(fields) - set(cls.__dataclass_fields__))
        if unknown:
            raise ParametersError(f"Unknown trace parameter: {', '.join(unknown)}.")
        missing = sorted({"ledger", "seeds"} - set(fields))
        if missing:
            raise ParametersError(f"Missing trace parameter: {', '.join(missing)}.")
        for name in ("ledger", "mode", "policy", "coinjoin"):
            if name in fields and not isinstance(fields[name], str):
                raise ParametersError(f"{name} must be a text.")
        for name in ("seeds", "targets", "stops"):
            places = fields.get(name, [])
            if not isinstance(places, list | tuple):
                raise ParametersError(f"{name} must be a list of texts.")
            fields[name] = tuple(places)
        amount = fields.get("min_value", 0)
        if isinstance(amount, str) and re.fullmatch(r"[0-9]{1,78}", amount):
            fields["min_value"] = int(amount)
        return cls(**fields)  # type: ignore[arg-type]  # each field is checked above or on creation


def is_outpoint(place: str) -> bool:
    """True for `txid:vout`."""
    return _OUTPOINT.fullmatch(place) is not None


@dataclass(frozen=True)
class Holding:
    """An address of an account ledger, a token (empty: the chain's own coin), a range of blocks."""

    address: str
    token: str
    first: int | None
    last: int | None


def holding_of(place: str) -> Holding | None:
    """Read `ADDRESS@TOKEN#FROM-TO`; None where the text is none."""
    found = _HOLDING.fullmatch(place)
    if found is None or len(found[3] or "") > 9 or len(found[4] or "") > 9:
        return None
    first, last = (int(found[part]) if found[part] else None for part in (3, 4))
    return Holding(found[1], found[2] or "", first, last)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ParametersError(f"{name} must be one of {', '.join(allowed)}; it is {value!r}.")


def _number(name: str, value: object, low: int, high: int) -> None:
    if value is None and name != "min_value":
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ParametersError(f"{name} must be a whole number from {low} to {high}.")


def _places(name: str, places: object) -> tuple[str, ...]:
    if not isinstance(places, tuple | list) or len(places) > MAX_SEEDS:
        raise ParametersError(f"{name} must be a list of at most {MAX_SEEDS:,} texts.")
    clean = set()
    for place in places:
        text = place.strip() if isinstance(place, str) else ""
        if not _WORD.fullmatch(text):
            raise ParametersError(f"{name} holds {place!r}, which is no address and no txid:vout.")
        if "@" in text or "#" in text:
            if holding_of(text) is None:
                raise ParametersError(f"{text} is no place: write ADDRESS@TOKEN#FROM-TO.")
        elif ":" in text and not _OUTPOINT.fullmatch(text):
            raise ParametersError(f"{text} is no output: write 64 hex digits, a colon, a number.")
        clean.add(text.lower() if _OUTPOINT.fullmatch(text) else text)
    return tuple(sorted(clean))


@dataclass(frozen=True)
class Snapshot:
    """The state of the ledger a run is pinned to."""

    ledger: str
    chain: str
    height: int
    block_hash: str
    epoch: int

    def to_json(self) -> Json:
        """The snapshot as it stands in a seal."""
        return {
            "ledger": self.ledger,
            "chain": self.chain,
            "height": self.height,
            "block_hash": self.block_hash,
            "epoch": self.epoch,
        }


@dataclass(frozen=True)
class TraceSpec:
    """A run resolved against one snapshot: ids instead of texts.

    Args:
        seeds: output ids, ascending, each once.
        walls: address id -> status a coin ends with there; see `Walls`.
        direction: forward or backward. The other fields are those of `TraceParameters`.
        parameters: the question in JSON, kept for the seal.
        boundaries_sha256: hash over all boundary rows given, also those the ledger never saw.
        tag_set: version of the tags that held when it was asked, for the seal alone.
    """

    seeds: tuple[int, ...]
    policy: str = "haircut"
    direction: str = "forward"
    max_hops: int | None = None
    min_value: int = 0
    until_height: int | None = None
    coinjoin: str = "stop"
    walls: Walls = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    boundaries_sha256: str = ""
    tag_set: str = ""

    def __post_init__(self) -> None:
        _one_of("policy", self.policy, POLICIES)
        _one_of("direction", self.direction, DIRECTIONS)
        object.__setattr__(self, "seeds", tuple(sorted(set(self.seeds))))

    @classmethod
    def of(
        cls, parameters: TraceParameters, seeds: Iterable[int], walls: Walls, boundaries: str
    ) -> TraceSpec:
        """The parameters of a run with its seeds and walls, whatever kind of ledger they are of.

        Args:
            boundaries: hash over all boundary rows given.
        """
        return cls(
            seeds=tuple(seeds),
            policy=parameters.policy,
            direction=parameters.direction,
            max_hops=parameters.max_hops,
            min_value=parameters.min_value,
            until_height=parameters.until_height,
            coinjoin=parameters.coinjoin,
            walls=walls,
            parameters=parameters.to_json(),
            boundaries_sha256=boundaries,
        )


DEFAULT_DEPTH: Final = 8
NUM_BEST: Final = 10
VISIT_LIMIT: Final = 200_000
"""Transactions one search for paths may look at; a search that would need more says so."""


@dataclass(frozen=True)
class PathsSpec:
    """A search for paths resolved against one snapshot.

    Args:
        sources, targets: output ids of the two wallet sets.
        max_depth: most transactions on a path; num_best: how many paths to return.
        walls, coinjoin, min_value, until_height: as for a trace. A path neither passes a wall nor,
            by default, a CoinJoin; it may start or end at a wall.
    """

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    max_depth: int = DEFAULT_DEPTH
    num_best: int = NUM_BEST
    walls: Walls = field(default_factory=dict)
    coinjoin: str = "stop"
    min_value: int = 0
    until_height: int | None = None
    visit_limit: int = VISIT_LIMIT
    parameters: Mapping[str, object] = field(default_factory=dict)
    boundaries_sha256: str = ""
    tag_set: str = ""
