"""The exchange's customers: names, countries, accounts, deposit addresses and who shares what."""

from collections import Counter
from collections.abc import Iterator

from fiu.demo.chance import Stream
from fiu.demo.scale import Scale
from fiu.demo.scripts import Scripts
from fiu.demo.timeline import WEEK

OPERATORS = ("OP-1", "OP-2", "OP-3")
SELLERS = ("V-1", "V-2", "V-3", "V-4", "V-5")
NUM_DECOYS = 14
NUM_DIRECT, NUM_THROUGH_OWN, NUM_MIXED = 101, 19, 3
NUM_COPPERDICE = 9
NUM_MIXERS = 2
NUM_REASSIGNED = 40
REASSIGNED_AT = 12 * WEEK
# Names that the case needs; all others are numbered samples.
NAMES = {
    "OP-1": ("Kai-Wen Demoson", "TW"),
    "OP-2": ("Demo Lighthouse Trading Limited", "HK"),
    "OP-3": ("Sample Courier 000003", "FR"),
    "V-1": ("Sample Seller 000001", "DE"),
    "V-2": ("Sample Seller 000002", "NL"),
    "V-3": ("Sample Seller 000003", "PL"),
    "V-4": ("Sample Seller 000004", "GB"),
    "V-5": ("Sample Seller 000005", "US"),
}
# Members of the cohort whose address is proved, by country.
COHORT_COUNTRIES = (
    ("DE", 30), ("FR", 21), ("NL", 17), ("GB", 13), ("US", 11), ("SE", 9), ("ES", 7), ("PL", 5),
    ("CA", 4), ("AU", 2), ("NZ", 1),
)  # fmt: skip
COUNTRIES = (
    "DE", "DE", "DE", "FR", "FR", "FR", "NL", "NL", "GB", "GB", "US", "US", "US", "SE", "ES", "ES",
    "PL", "PL", "CA", "AU", "NZ", "AT", "BE", "IT", "IT", "PT", "CZ", "TW", "TW", "JP", "SG", "CH",
)  # fmt: skip
_FIRST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Customers:
    """Who is who at the exchange; parts are dealt from one shuffled deck, so nobody has two."""

    def __init__(self, scripts: Scripts, stream: Stream, scale: Scale) -> None:
        self.num = scale.customers
        special = OPERATORS + SELLERS
        places = {
            (place + 1) * scale.customers // (len(special) + 1): uid
            for place, uid in enumerate(special)
        }
        self.uids = [places.get(place) or f"C-{place + 1:06d}" for place in range(self.num)]
        self._place = {uid: place for place, uid in enumerate(self.uids)}
        deck = stream.shuffled([uid for place, uid in enumerate(self.uids) if place not in places])

        def deal(count: int) -> list[str]:
            dealt = deck[-count:]
            del deck[-count:]
            return dealt

        self.buyers = deal(scale.buyers)
        self.direct = deal(NUM_DIRECT)
        self.through_own = deal(NUM_THROUGH_OWN)
        self.mixed = deal(NUM_MIXED)
        self.copperdice = deal(NUM_COPPERDICE)
        self.mixers = deal(NUM_MIXERS)
        self.decoys = deal(NUM_DECOYS)
        self.monero = deal(scale.customers // 100)
        self.reassigned = list(
            zip(deal(NUM_REASSIGNED), deal(NUM_REASSIGNED), strict=True)
        )  # (holder until, holder from) of one deposit address
        self._later = dict(self.reassigned)
        self._without = [new for _, new in self.reassigned]
        bystanders = self._bystanders()
        sharers = frozenset(old for old, _ in self.reassigned)
        self._depositors = [
            place
            for uid, place in self._place.items()
            if uid in sharers or (place % 5 < 2 and uid not in bystanders)
        ]
        asked = self._depositors + [self._place[uid] for uid in special]
        # Two customers of five have ever asked for a deposit address.
        self._scripts = {place: scripts.of("customer-deposit", place) for place in sorted(asked)}
        self._stream = stream
        self._countries = self._draw_countries()

    def _bystanders(self) -> frozenset[str]:
        """Accounts whose every movement is planned: nobody pays them by chance."""
        return frozenset(OPERATORS + SELLERS) | frozenset(self._without) | frozenset(self.decoys)

    def _draw_countries(self) -> dict[str, str]:
        members = self.direct + self.through_own
        listed = [code for code, count in COHORT_COUNTRIES for _ in range(count)]
        countries = dict(zip(members, self._stream.shuffled(listed), strict=True))
        for uid in self.uids:
            if uid not in countries:
                countries[uid] = NAMES[uid][1] if uid in NAMES else self._stream.pick(COUNTRIES)
        return countries

    def country(self, uid: str) -> str:
        """Two letters."""
        return self._countries[uid]

    def deposit_script(self, uid: str) -> bytes:
        """The deposit address an account was given first."""
        return self._scripts[self._place[uid]]

    def draw_depositor(self, stream: Stream, height: int) -> tuple[str, bytes]:
        """Somebody who is paid, and the address: a reassigned one belongs to its later holder."""
        place = self._depositors[int(stream.random() * len(self._depositors))]
        uid = self.uids[place]
        if height >= REASSIGNED_AT:
            uid = self._later.get(uid, uid)
        return uid, self._scripts[place]

    def ip(self, uid: str) -> str:
        """An address out of the ranges for documentation (RFC 5737)."""
        place = self._place[uid]
        if uid in ("OP-1", "OP-3"):
            return "203.0.113.77"
        return f"{('192.0.2', '198.51.100', '203.0.113')[place % 3]}.{1 + place // 3 % 254}"

    def accounts(self) -> Iterator[tuple[str, ...]]:
        """Rows of accounts.csv; every 400th customer has a sub-account too."""
        for place, uid in enumerate(self.uids):
            name = NAMES[uid][0] if uid in NAMES else f"Sample Customer {place + 1:06d}"
            month = place * 7 % 12
            day = 1 + place * 13 % _FIRST_DAYS[month]
            opened = f"{2019 + place * 31 % 6}-{month + 1:02d}-{day:02d}"
            level = str(1 + (place % 3 > 0) + (place % 7 > 3))
            row = (f"CU-{place + 1:06d}", name, self._countries[uid])
            yield (uid, *row, "main", opened, "active", level)
            if place % 400 == 399:
                yield (f"{uid}-S1", *row, "sub", opened, "active", level)

    def deposit_periods(self) -> Iterator[tuple[str, bytes, int]]:
        """(account, address, part): part 0 is all the time, 1 until the change, 2 from then on."""
        for place, script in self._scripts.items():
            uid = self.uids[place]
            later = self._later.get(uid)
            if later is None:
                yield uid, script, 0
            else:
                yield uid, script, 1
                yield later, script, 2

    def links(self) -> Iterator[tuple[str, str, str, str]]:
        """Rows of links.csv: what accounts share; besides the three, families with one device."""
        yield "OP-1", "OP-3", "device", "device NQ-D-77 seen in both accounts on 2025-05-15"
        yield "OP-2", "OP-3", "withdrawal_address", "same withdrawal address saved on 2025-05-16"
        for place in range(150, self.num - 200, 200):
            pair = self.uids[place], self.uids[place + 1]
            if not any(uid in NAMES for uid in pair):
                yield *pair, "device", f"device NQ-D-{10_000 + place} seen in both accounts"

    def num_by_country(self, members: list[str]) -> dict[str, int]:
        """How many of some accounts live where."""
        return dict(Counter(self._countries[uid] for uid in members).most_common())
