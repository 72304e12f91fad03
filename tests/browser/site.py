"""A whole demo installation in a folder of its own, driven as people drive it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    StorageState,
)

ROOT = Path(__file__).resolve().parents[2]
# The shell is the same engine without a window around it, for a third of the processor time.
CHROMIUM = (
    "/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)  # fmt: skip
LAUNCH = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip


# What `manage.py signin NAME --json` tells, as often as it is asked: a process takes a second.
CLERK = """
import json, sys
from io import StringIO
import django
django.setup()
from cases.acting import let_process_act_as_system
from django.core.management import call_command
from django.db import connection
let_process_act_as_system()
for line in sys.stdin:
    out = StringIO()
    call_command("signin", *json.loads(line), "--json", stdout=out)
    connection.close()
    print(out.getvalue().strip(), flush=True)
"""


def chromium() -> str | None:
    """The installed browser, or None."""
    return next((path for path in CHROMIUM if Path(path).exists()), None)


class Site:
    """`manage.py up --demo` on a free port; `stop` ends it and says how it ended."""

    def __init__(self, home: Path) -> None:
        running = os.environ.get("FIU_TEST_SITE")  # the FIU_HOME of a demo that already runs
        self.home = Path(running) if running else home
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FIU_")},
            "FIU_HOME": str(self.home),
            "FIU_DISPATCH_SECONDS": "0.5",
            "FIU_HINT_SECONDS": "2",
            "DJANGO_SETTINGS_MODULE": "fiu.settings",
        }
        self.process: subprocess.Popen[str] | None = None
        self.clerk: subprocess.Popen[str] | None = None
        self.codes: dict[str, str] = {}  # the last one of each person
        if running:
            self.url = json.loads((self.home / "up.json").read_text("utf-8"))["url"].rstrip("/")
            return
        self.log = (home.parent / "up.stderr").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--demo", "--port", "0"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"no ready line: {line!r}\n{self._tail()}"
        self.url = line.split()[1].rstrip("/")

    def _tail(self) -> str:
        return (self.home.parent / "up.stderr").read_text("utf-8", "replace")[-3000:]

    def manage(self, *arguments: str) -> str:
        """Run a management command on this installation and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
        return done.stdout

    def sign_in(self, *arguments: str) -> dict[str, str]:
        """A fresh link and code of a person, as `manage.py signin` tells them."""
        if self.clerk is None:
            self.clerk = subprocess.Popen(
                [sys.executable, "-c", CLERK],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.clerk.stdin is not None
        assert self.clerk.stdout is not None
        self.clerk.stdin.write(json.dumps(arguments) + "\n")
        self.clerk.stdin.flush()
        told: dict[str, str] = json.loads(self.clerk.stdout.readline())
        return told

    def wait_for_demo(self, seconds: float = 120) -> None:
        """Until the demo world stands: the first person can be signed in."""
        end = time.monotonic() + seconds
        loaded = self.home / "demo" / "installation.json"
        while not loaded.exists():
            assert time.monotonic() < end, f"the demo did not load\n{self._tail()}"
            assert self.process is not None
            assert self.process.poll() is None, f"it ended early\n{self._tail()}"
            time.sleep(0.2)

    def stop(self) -> int:
        """TERM, and the exit status; an installation that ran before is left running."""
        if self.clerk is not None:
            self.clerk.communicate()  # its end of input is its end
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()
        return self.process.wait()


# What is in order need not be listed, nor style sheets fetched again for rules on turned screens.
VIOLATIONS = {"resultTypes": ["violations"], "preload": False}
# Contrast is most of what axe takes: it is measured where a page sets letters in a colour, size or
# weight on a ground on which no page before did.
WITHOUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}
# The ground of the page; its classes, and each shape of an element: what stands in what, with which
# attributes, with words or empty (an id that stands twice is a shape of its own); and how letters
# look on what lies behind them. A page with nothing new was judged before: of 157 checks 36 are.
LOOK = """() => {
  const all = [...document.body.querySelectorAll('*')], ids = new Set();
  const shapes = new Set(all.flatMap(each => [...each.classList])), letters = new Set();
  for (const each of all) {
    const names = each.getAttributeNames().sort().join(' ');
    const says = each.textContent.trim() ? 1 : 0;
    const role = each.getAttribute('role') || each.getAttribute('type') || '';
    const twice = each.id && ids.has(each.id) ? each.id : '';
    ids.add(each.id);
    shapes.add([each.parentElement.tagName, each.tagName, names, role, says, twice].join('|'));
    if (![...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const {color, fontSize, fontWeight} = getComputedStyle(each);
    const look = [color, fontSize, fontWeight];
    let opaque = false;
    for (let at = each; at; at = at.parentElement) {
      const {backgroundColor, backgroundImage, opacity} = getComputedStyle(at);
      if (opacity !== '1') look.push(opacity);
      if (opaque || backgroundColor === 'rgba(0, 0, 0, 0)' && backgroundImage === 'none') continue;
      look.push(backgroundColor, backgroundImage);
      opaque = !/rgba|\\//.test(backgroundColor);
    }
    letters.add(look.join('|'));
  }
  return [getComputedStyle(document.body).backgroundColor, [...shapes], [...letters]];
}"""
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
_shapes: dict[str, set[str]] = {}  # seen so far, by kind of page and theme
_letters: set[str] = set()  # seen so far


@dataclass
class Seat:
    """One person in front of one browser window; keeps all that a console would show."""

    site: Site
    name: str
    page: Page
    context: BrowserContext
    messages: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def code(self) -> str:
        """The person's current second-factor code; each is taken once, so never the same again."""
        while (code := self.site.sign_in(self.name, "--code")["code"]) == self.site.codes.get(
            self.name
        ):
            time.sleep(1)
        self.site.codes[self.name] = code
        return code

    def check(self) -> None:
        """axe finds nothing, the console is empty, nothing left the origin."""
        ground, shapes, letters = self.page.evaluate(LOOK)
        kind = f"{NUMBERS.sub('', urlsplit(self.page.url).path)} {ground}"
        seen = _shapes.setdefault(kind, set())
        is_set_anew = not _letters.issuperset(letters)
        if is_set_anew or not seen.issuperset(shapes):
            options = VIOLATIONS | ({} if is_set_anew else WITHOUT_CONTRAST)
            violations = Axe().run(self.page, options=options).response["violations"]
            assert violations == [], _in_words(self.page.url, violations)
        seen.update(shapes)
        _letters.update(letters)
        assert self.messages == [], "\n".join(self.messages)
        assert self.foreign == []


def _in_words(url: str, violations: list[dict[str, Any]]) -> str:
    lines = [url]
    for violation in violations:
        lines.append(f"{violation['id']}: {violation['help']}")
        lines += [f"    {node['html'][:160]}" for node in violation["nodes"][:4]]
    return "\n".join(lines)


def take_seat(site: Site, browser: Browser, name: str, cookies: StorageState | None = None) -> Seat:
    """A fresh browser context for a demo person, which keeps what its console says."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="light",
        reduced_motion="reduce",
        storage_state=cookies,
    )
    page = context.new_page()
    seat = Seat(site, name, page, context)

    def heard(message: ConsoleMessage) -> None:
        seat.messages.append(f"{message.type}: {message.text} ({page.url})")

    def asked(request: Request) -> None:
        if not request.url.startswith((site.url, "data:", "blob:")):
            seat.foreign.append(request.url)

    page.on("console", heard)
    page.on("pageerror", lambda error: seat.messages.append(f"error: {error} ({page.url})"))
    page.on("request", asked)
    return seat


def sign_in(seat: Seat) -> None:
    """By the one-time link and the second factor; a code that ended on the way is asked again."""
    page = seat.page
    page.goto(seat.site.sign_in(seat.name)["link"])
    page.locator("button.primary").click()
    field = page.locator("input[name=code]")
    for _ in range(3):
        field.fill(seat.code())
        page.locator("button.primary").click()
        page.wait_for_load_state("networkidle")
        if not field.count():
            return
    raise AssertionError(f"{seat.name} is not let in: {page.locator('main').inner_text()}")
