"""Stories of the signals that rest on what others recorded, told as in detection_stories.py."""

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.detection_stories import Met, Story, Tell


def domain(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    detail = "open" if miss == "open" else ("proxy", "withheld")[n % 2]
    story.moment("domain", 10 + chance.randint(0, 90), country="TW", detail=detail)
    if miss == "shown later":
        story.moment("domain", 300, country="TW", detail="open")
    if miss == "another fact":
        story.moments[0].kind = "message"


def abroad(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    country = {"at home": "TW", "unknown": ""}.get(miss, ("SC", "BZ", "JP")[n % 3])
    story.moment("domain", 10 + chance.randint(0, 90), country=country)
    if miss == "moved home":
        story.moment("domain", 300, country="TW")


def asset(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    name = "BTC" if miss or n % 2 else ("BCC", "SQUID")[n // 2 % 2]
    met: Met = ("investment_fraud", 1, 100, "")
    if miss == "far off":
        met = ("investment_fraud", 2, 100, "")
    if miss == "another kind":
        met = ("exchange", 1, 100, "")
    touched = (met,) if (n % 2 and not miss) or miss in ("far off", "another kind") else ()
    story.line("deposit", 10, chance.randint(50, 900), asset=name, met=touched)


def origin(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    if n % 2 == 0 and miss not in ("kept", "own card", "too late"):
        word = "salary" if miss == "clear" else ("coin_offering", "shell_company")[n // 2 % 2]
        story.moment("funds", 10, detail=word)
        if miss == "cleared up":
            story.moment("funds", 90, detail="salary")
        return
    if miss in ("clear", "cleared up"):
        story.moment("funds", 10, detail="salary")
        return
    story.moment("card", 10, detail="debit" if miss == "own card" else "prepaid 4417")
    story.line("fiat_in", 10, 500)
    if miss != "kept":
        story.line("withdrawal", 10 + (30 if miss == "too late" else chance.randint(1, 20)), 480)


def wealth(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    word = "salary" if miss == "salary" else ("crypto", "coin_offering")[n % 2]
    if miss != "nothing named":
        story.moment("funds", 5, detail=word)
    for step in range(4):
        usd = 2_000 if miss == "little" else chance.randint(3_000, 9_000)
        story.line("deposit", 20 + step * 40, usd)


def sources(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    match = 70 + n % 20 if miss == "weak match" else chance.randint(90, 100)
    detail = "a namesake perhaps" if miss == "no figure" else f"{match} court register"
    story.moment("message" if miss == "no screening" else "screening", 10, detail=detail)


def need(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    if miss != "nobody saw it":
        story.moment("care", 300, detail="sleeps rough")
    at = 300 + 24 * (40 if miss == "long after" else n % 10)
    for step in range(3):
        usd = 200 if miss == "little" else chance.randint(700, 1_500)
        story.line(("fiat_in", "withdrawal")[step % 2], at + step * 5, usd)


def papers(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    word = "genuine" if miss == "genuine" else ("edited", "forged")[n % 2]
    story.moment("message" if miss == "no check" else "paper", 5 + n, detail=word)
    if miss == "cleared up":
        story.moment("paper", 90 + chance.randint(0, 9), detail="genuine")


def criteria(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    words = ("warned account", "derived account", "many complaints")
    for step in range(1 + n % 2):
        detail = "" if miss == "without a name" else words[(n + step) % 3]
        kind = "screening" if miss == "no criterion" else "criterion"
        story.moment(kind, 10 + step * chance.randint(5, 50), detail=detail)


def swap(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    usd = chance.randint(400, 9_000)
    label = "Northbank" if miss == "no exchanger" else ("FixedFloat", "SideShift.ai")[n % 2]
    story.line("withdrawal", 50, usd, asset="BTC", met=(("exchange", 1, 100, label),))
    after = {"too soon": 0.1, "too late": 4.0}.get(miss, chance.uniform(0.2, 2.9))
    share = {"too little": 0.95, "more than went in": 1.01}.get(miss, chance.uniform(0.975, 0.997))
    back = "BTC" if miss == "same asset" else "XMR"
    story.line("deposit", 50 + after, usd * share, asset=back)
    story.others = [(51.0, "XMR", usd * 0.99)] * (n % 3) + [(51.0, "XMR", usd * 0.5)]


def drawn(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    usd = 900 if miss == "little" else chance.randint(1_000, 9_000)
    story.line(("withdrawal", "fiat_out")[n % 2], 100, usd)
    later = {"too late": 80, "before": -5}.get(miss, chance.randint(1, 70))
    country = "JP" if miss == "elsewhere" else ("IR", "MM", "KP")[n % 3]
    story.moment("cash", 100 + later, country=country)


def bank(story: "Story", chance: random.Random, n: int, miss: str) -> None:
    deposits = 199 if miss == "few addresses" else 200 + chance.randint(0, 4_000)
    hours = 7 if miss == "swept late" else n % 7
    fee = {"no fee": 0, "huge fee": 1_200}.get(miss, 200 + 40 * n)
    label = f"deposits={deposits} hours={hours} fee_bp={fee}"
    kind = "exchange" if miss == "another kind" else "market_bank"
    story.line(("deposit", "withdrawal")[n % 2], 10, chance.randint(30, 900),
               met=((kind, 1, 100, label),))  # fmt: skip


SIGNALS: "dict[str, tuple[Tell, tuple[str, ...]]]" = {
    "hidden_domain": (domain, ("open", "shown later", "another fact")),
    "domain_elsewhere": (abroad, ("at home", "unknown", "moved home")),
    "doubtful_asset": (asset, ("an ordinary one", "far off", "another kind")),
    "unclear_origin": (origin, ("clear", "cleared up", "kept", "own card", "too late")),
    "crypto_wealth": (wealth, ("salary", "nothing named", "little")),
    "known_from_sources": (sources, ("weak match", "no figure", "no screening")),
    "person_in_need": (need, ("nobody saw it", "long after", "little")),
    "forged_papers": (papers, ("genuine", "no check", "cleared up")),
    "local_criteria": (criteria, ("without a name", "no criterion")),
    "fits_a_swap": (
        swap, ("no exchanger", "too soon", "too late", "too little", "more than went in",
               "same asset"),
    ),
    "drawn_in_risk_place": (drawn, ("little", "too late", "before", "elsewhere")),
    "market_bank": (
        bank, ("few addresses", "swept late", "no fee", "huge fee", "another kind"),
    ),
}  # fmt: skip
