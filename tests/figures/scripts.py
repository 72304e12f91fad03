"""Texts of attackers in every field of prose of the demo, read in a browser as each role (T9).

The demo is made, then each text that people write (not: names of states, numbers, addresses and
hashes) is replaced by one of `tests/hostile.py`, each row by the next one. Chromium opens pages
of every kind as each person, following links from the first page on, and counts what ran, what the
policy of content had to stop, what was asked of elsewhere and what ended in a fault.
"""

import os
import re
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import django

if __name__ == "__main__":
    django.setup()

from django.apps import apps
from django.db import connection, models
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, Error, sync_playwright

from cases.guards import remove_guards
from tests import hostile
from tests.browser.site import LAUNCH, Seat, Site, chromium, sign_in, take_seat
from tests.figures.figure import Figure, hand_over, load

PEOPLE: Final = ("mei", "tomas", "nora", "aud", "ada", "ortiz", "chen")
OF_A_KIND: Final = 2  # pages of one route a person opens
OURS: Final = ("fiu", "cases", "tracing")
SHORTEST: Final = 40  # characters; shorter fields hold codes
# What machines write, and what is judged by its form before it is stored.
MACHINES: Final = re.compile(
    r"Release(File|Download)\.name$|[._](username|sha256|sha512|hash|digest|txid|address|outpoint|ledger|asset|uid|customer|key"
    r"|state|kind|method"
    r"|mime|location|filters|category|confidence|secret|token|password|path|url|device|place|seed"
    r"|dossier|manifest|body|file|data|document|reference|engine|version|code|progress|domain)$"
)
WATCH: Final = """
window.__ran = [];
window.qx = (...given) => { window.__ran.push(String(given)); };
window.alert = window.prompt = window.confirm = window.qx;
"""
LEFT: Final = """() => ({
  ran: window.__ran,
  made: document.querySelectorAll("qx, [onqx], iframe, object, base").length,
  links: [...document.querySelectorAll("a[href]")].map((each) => each.getAttribute("href")),
})"""


@dataclass
class Seen:
    """What the people met."""

    pages: int = 0
    kinds: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def prose() -> Iterator[tuple[type[models.Model], "models.Field[Any, Any]"]]:
    """The columns of text that people fill."""
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            continue
        for column in model._meta.local_concrete_fields:
            is_text = isinstance(column, models.CharField | models.TextField)
            is_short = (column.max_length or SHORTEST) < SHORTEST
            name = f"{model.__name__}.{column.name}"
            if is_text and not (is_short or column.choices or MACHINES.search(name)):
                yield model, column


def plant() -> int:
    """Replace them all, past the guards; the number of texts written. Ends all other use."""
    remove_guards()
    numbers = count()
    for model, column in prose():
        table, name = model._meta.db_table, column.column
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT "id" FROM "{table}" WHERE "{name}" <> %s', [""])  # noqa: S608
            rows = [(text_for(column, next(numbers)), pk) for (pk,) in cursor.fetchall()]
            change = f'UPDATE "{table}" SET "{name}" = %s WHERE "id" = %s'  # noqa: S608
            cursor.executemany(change, rows)
    return next(numbers)


def text_for(column: "models.Field[Any, Any]", number: int) -> str:
    """A text that fits; in a column where each is another one, with its number at the end."""
    text = hostile.TEXTS[number % len(hostile.TEXTS)] + hostile.SHORT
    longest = column.max_length or 400
    constraints = column.model._meta.total_unique_constraints
    is_named = column.unique or any(column.name in each.fields for each in constraints)
    end = f" {number}" if is_named else ""
    return text[: longest - len(end)] + end


def look_around(seat: Seat, seen: Seen) -> None:
    """Open pages of each kind that links lead to."""
    path = seat.page.url.removeprefix(seat.site.url)
    waiting, met, kinds = deque([path]), {path}, Counter[str]()
    while waiting:
        path = waiting.popleft()
        try:
            route = resolve(path.partition("?")[0]).url_name or path
        except Resolver404:
            continue
        if kinds[route] >= OF_A_KIND or route == "sign_out":
            continue
        kinds[route] += 1
        try:
            answer = seat.page.goto(seat.site.url + path)
        except Error as error:
            if "Download is starting" in str(error):
                continue
            raise
        seat.page.wait_for_load_state("networkidle")
        left = seat.page.evaluate(LEFT)
        seen.pages += 1
        seen.kinds.add(route)
        seen.ran += [f"{seat.name} {path}: {each}" for each in left["ran"]]
        if left["made"]:
            seen.ran.append(f"{seat.name} {path}: an element was made")
        if answer is not None and answer.status >= 500:
            seen.faults.append(f"{seat.name} {path}: {answer.status}")
        for link in left["links"]:
            full = path.partition("?")[0] + link if link.startswith("?") else link
            goal = full.partition("#")[0]
            if goal.startswith("/") and goal not in met:
                met.add(goal)
                waiting.append(goal)


def visit(site: Site, browser: Browser) -> Seen:
    """Each person in a window of their own."""
    seen = Seen()
    for name in PEOPLE:
        seat = take_seat(site, browser, name)
        seat.context.add_init_script(WATCH)
        sign_in(seat)
        look_around(seat, seen)
        seen.foreign += seat.foreign
        for each in seat.messages:
            found = seen.stopped if "Content Security Policy" in each else seen.faults
            found.append(f"{name}: {each}")
        seat.context.close()
    return seen


def measure(home: Path) -> list[Figure]:
    """Two to four minutes."""
    program = chromium()
    if program is None:
        raise SystemExit(
            "No Chromium on this machine: install Debian's package chromium-headless-shell."
        )
    busy = load()
    made = Site(home)
    made.wait_for_demo()
    made.stop()
    num_texts, num_columns = plant(), len(list(prose()))
    connection.close()
    site = Site(home)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=LAUNCH)
            seen = visit(site, browser)
            browser.close()
    finally:
        site.stop()
    for each in (*seen.ran, *seen.stopped, *seen.foreign, *seen.faults):
        print(each)
    counts = (len(seen.ran), len(seen.stopped), len(seen.foreign), len(seen.faults))
    return [
        Figure(
            "no text that people write runs in a browser",
            "0 run, 0 stopped by the policy, 0 asked of elsewhere",
            f"{counts[0]} run, {counts[1]} stopped, {counts[2]} asked of elsewhere, {counts[3]}"
            f" faults on {seen.pages} pages of {len(seen.kinds)} kinds as {len(PEOPLE)} people;"
            f" {num_texts:,} texts of {len(hostile.TEXTS)} kinds in {num_columns} columns",
            is_met=not any(counts) and seen.pages > 0,
            by="`python -m tests.figures scripts`",
            load=busy,
        )
    ]


if __name__ == "__main__":
    hand_over(sys.argv[1], measure(Path(os.environ["FIU_HOME"])))
