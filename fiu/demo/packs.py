"""Attribution from outside: two tag packs in two versions, and an agency's addresses."""

from collections.abc import Iterable

from fiu.demo.chance import Stream
from fiu.demo.scripts import Scripts, encode
from fiu.demo.timeline import iso

LIST_LINES, LIST_NEW, LIST_REPEATED, LIST_BAD = 400, 390, 7, 3
_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _pack(
    title: str, day: str, source: str, confidence: str, tags: Iterable[tuple[str, str, str]]
) -> str:
    """A TagPack; tags are (address, label, category)."""
    lines = [
        f"title: {title}",
        "creator: Sample Attribution Desk",
        f"description: {title}, made up for a demonstration",
        f"source: {source}",
        "currency: BTC",
        "network: BTC",
        f"confidence: {confidence}",
        f"lastmod: {day}",
        "tags:",
    ]
    for address, label, category in tags:
        lines += [f"- address: {address}", f"  label: {label}", f"  category: {category}"]
    return "\n".join(lines) + "\n"


def tag_packs(scripts: Scripts, copperdice: list[str], now: int) -> dict[str, str]:
    """File name -> text. Pack A moves Z from Ferryswap to Eastmere the day before `now`."""
    z = scripts.address("z")
    orders = [scripts.address("ferryswap-order", number) for number in range(1, 5)]
    common = [
        (scripts.address("eastmere"), "Eastmere", "exchange"),
        (scripts.address("namewharf"), "Namewharf", "hosting"),
        *((order, "Ferryswap", "coinswap_exchange") for order in orders),
    ]
    gambling = [(address, "Copperdice", "gambling") for address in copperdice]
    first, second = (z, "Ferryswap", "coinswap_exchange"), (z, "Eastmere", "exchange")
    source = "https://packs.sample.example/a"
    next_day = iso(now - 86_400)[:10]
    return {
        "pack_a_v1.yaml": _pack(
            "Sample pack A", "2025-04-28", source, "forensic", [*common, first, *gambling]
        ),
        "pack_a_v2.yaml": _pack(
            "Sample pack A", next_day, source, "forensic", [*common, second, *gambling]
        ),
        "pack_b_v1.yaml": _pack(
            "Sample pack B",
            "2025-03-31",
            "https://packs.sample.example/b",
            "web_crawl",
            [(address, "Lanternbox", "market") for address in copperdice],
        ),
    }


def agency_list(stream: Stream, bank: list[bytes]) -> list[tuple[str, str]]:
    """400 lines of addresses an agency found: 390 new, 7 repeated, 3 with a wrong checksum."""
    found = [encode(script) for script in stream.shuffled(bank)[: LIST_NEW + LIST_BAD]]
    good, spoiled = found[:LIST_NEW], found[LIST_NEW:]
    lines = list(good)
    for number, address in enumerate(spoiled):
        wrong = _CHARSET[(_CHARSET.index(address[20]) + 1) % 32]
        lines.insert(57 + 113 * number, address[:20] + wrong + address[21:])
    for number in range(LIST_REPEATED):
        lines.insert(100 + 43 * number, good[3 + 5 * number])
    return [(address, f"exhibit 7, page {1 + place // 25}") for place, address in enumerate(lines)]
