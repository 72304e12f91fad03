"""Pages under load: `python -m tests.bench.load [--cases N] [--users N] [--seconds N] [--alerts N]
[--only DB]`.

Real gunicorn with the arguments of `manage.py up`, on loopback, over SQLite and then over a
PostgreSQL of its own (tests/servers.py). Each user has a session, asks for one page after the
other and reads for two to eight seconds in between; the driver, the database and the server share
the machine. Five alerts a case wait unless told otherwise. With the full size it writes its section
of docs/benchmarks.md.
"""

import argparse
import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests import servers

ROOT: Final = Path(__file__).resolve().parents[2]
REPORT: Final = ROOT / "docs" / "benchmarks.md"
ALONE: Final = 15  # pages of each kind asked by one person alone
HEADING: Final = "## Pages under load"
FULL: Final = 20_000
LIMITS: Final = {"case page": 200, "inbox": 200, "alert queue": 200, "search": 300}  # ms
TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')
READING: Final = (2.0, 8.0)  # seconds between two pages of one person
# Of twenty pages; the first page is where people begin and seldom come back to.
MIX: Final = (
    *["case page"] * 8, *["inbox"] * 4, *["search"] * 4, *["alert queue"] * 2, "case list", "home",
)  # fmt: skip


@dataclass
class Times:
    """Milliseconds of every answer by page, and the answers that were none."""

    pages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)


@dataclass
class Measured:
    """One database's answers."""

    database: str
    times: Times
    seconds: float
    rows: dict[str, int]
    costs: dict[str, float]  # milliseconds of processor time of the web server, by page
    num_addresses: int  # that the ledger has an index of


class Visitor(threading.Thread):
    """One person: asks, reads, asks again."""

    def __init__(
        self, number: int, port: int, world: dict[str, Any], times: Times, end_at: float
    ) -> None:
        super().__init__(name=f"visitor {number}", daemon=True)
        self.dice = random.Random(number)
        self.port, self.world, self.times, self.end_at = port, world, times, end_at
        self.cookies = {world["cookie"]: world["sessions"][number]}
        self.token = ""

    def run(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as self.line:
            self.ask("GET", "/search/")  # the form's token
            time.sleep(self.dice.uniform(0, READING[1]))
            while time.monotonic() < self.end_at:
                page = self.dice.choice(MIX)
                begun = time.perf_counter()
                kind, status = self.visit(page)
                took = (time.perf_counter() - begun) * 1000
                self.times.pages[page].append(took)
                if kind:
                    self.times.pages[f"{page}: {kind}"].append(took)
                if status != HTTPStatus.OK:
                    self.times.wrong.append(f"{page}: {status}")
                time.sleep(self.dice.uniform(*READING))

    def visit(self, page: str) -> tuple[str, int]:
        if page == "search":
            kind = self.dice.choice(sorted(self.world["searches"]))
            text = self.dice.choice(self.world["searches"][kind])
            return kind, self.ask("POST", "/search/", q=text)
        path = {
            "inbox": "/inbox/",
            "case page": f"/cases/{self.dice.choice(self.world['cases'])}/",
            "case list": "/cases/",
            "alert queue": f"/alerts/?page={self.dice.choice((1, 1, 1, 2, 20))}",
            "home": "/",
        }[page]
        return "", self.ask("GET", path)

    def ask(self, method: str, path: str, **values: str) -> int:
        headers = {
            "Host": "localhost",
            "Origin": "http://localhost",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        body = None
        if method == "POST":
            body = urlencode(values | {"csrfmiddlewaretoken": self.token})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.line.request(method, path, body, headers)
        answer = self.line.getresponse()
        text = answer.read()
        self.line.close()  # who reads for two seconds finds the connection closed by the server
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        if found := TOKEN.search(text):
            self.token = found.group(1).decode()
        return answer.status


@contextmanager
def gunicorn(environment: dict[str, str], log: Path) -> Iterator[tuple[int, int]]:
    """The web server as `manage.py up` starts it; its port and process."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        descriptor, port = listener.fileno(), listener.getsockname()[1]
        with log.open("ab") as file:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", "fiu.wsgi:application",
                    "--bind", f"fd://{descriptor}", "--worker-class", "gthread", "--workers", "2",
                    "--threads", "4", "--preload", "--no-control-socket", "--log-level", "warning",
                ],
                cwd=ROOT, env=environment, stdout=file, stderr=file, pass_fds=(descriptor,),
                start_new_session=True,
            )  # fmt: skip
        try:
            _wait_until_healthy(port)
            yield port, process.pid
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _wait_until_healthy(port: int) -> None:
    end_at = time.monotonic() + 60
    while time.monotonic() < end_at:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line:
                line.request("GET", "/healthz", headers={"Host": "localhost"})
                if line.getresponse().status == HTTPStatus.OK:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the web server did not become healthy")


def measure(database: str, options: argparse.Namespace) -> Measured:
    """Fill one installation, let the users at it, and take the times."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fiu-load-")))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FIU_")}
        environment |= {
            "DJANGO_SETTINGS_MODULE": "fiu.settings",
            "FIU_HOME": str(home / "home"),
            "FIU_LOG_LEVEL": "WARNING",
        }
        name = "SQLite"
        if database == "postgresql":
            server = stack.enter_context(servers.postgresql())
            environment["FIU_DATABASE_URL"] = stack.enter_context(
                servers.database_of_its_own(server.url)
            )
            name = server.origin
        begun = time.monotonic()
        made = subprocess.run(
            [
                sys.executable, "-m", "tests.bench.load_world",
                str(options.cases), str(options.users), str(options.alerts),
            ],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        world = json.loads(made.stdout)
        made_in = time.monotonic() - begun
        say(f"{name}: {world['rows']} in {made_in:.0f} s")
        if not world["is_whole"]:
            raise SystemExit("the audit chains of the bench's own rows do not hold")
        port, pid = stack.enter_context(gunicorn(environment, home / "web.log"))
        _visit(port, world, options.users, 10)  # templates and caches of each worker
        costs = _costs(port, pid, world)
        times = _visit(port, world, options.users, options.seconds)
        if times.wrong:
            say((home / "web.log").read_text(errors="replace")[-2000:])
            raise SystemExit(f"wrong answers: {sorted(set(times.wrong))}")
        return Measured(name, times, options.seconds, world["rows"], costs, world["num_addresses"])


def _costs(port: int, pid: int, world: dict[str, Any]) -> dict[str, float]:
    """What a page costs the server when nobody else asks: hardly moved by other work."""
    found = {}
    visitor = Visitor(0, port, world, Times(), 0)
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as visitor.line:
        visitor.ask("GET", "/search/")
        for page in sorted(set(MIX)):
            before = _processor_ms(pid)
            for _ in range(ALONE):
                visitor.visit(page)
            found[page] = (_processor_ms(pid) - before) / ALONE
    return found


def _processor_ms(pid: int) -> float:
    """Processor time of the server and its workers so far (proc(5): utime and stime)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for each in (str(pid), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def _visit(port: int, world: dict[str, Any], num_users: int, seconds: float) -> Times:
    times = Times()
    end_at = time.monotonic() + seconds
    visitors = [Visitor(number, port, world, times, end_at) for number in range(num_users)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(seconds + 120)
    if any(visitor.is_alive() for visitor in visitors):
        raise SystemExit("a visitor still waits for an answer")
    return times


def p95(values: list[float]) -> float:
    """95 of 100 answers were at least this fast, in ms."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[18]


def say(line: str) -> None:
    """One line to the reader at once."""
    print(line, flush=True)


def section(found: list[Measured], options: argparse.Namespace, others: float) -> str:
    """The section of docs/benchmarks.md."""
    rows = found[0].rows
    lines = [
        HEADING,
        "",
        f"Written by `python -m tests.bench.load`: {options.users} people at once over",
        f"{rows['Case']:,} cases, a fifth of them open ({rows['Wallet']:,} wallets,"
        f" {rows['Finding']:,} findings,",
        f"{rows['FreezeRequest']:,} freezes, {rows['Alert']:,} open alerts,"
        f" {rows['AuditEvent']:,} audit events) and a ledger of {found[0].num_addresses:,}"
        " addresses,",
        f"real gunicorn with the arguments of `manage.py up`, {options.seconds:.0f} s on each"
        " database. Each person reads 2 to 8 s",
        f"between two pages. Server, database and driver share the machine of {os.cpu_count()}"
        f" cores; others had given it a load of {others:.1f} when this began.",
        "",
        "Processor time is the web server's, of one page while nobody else asks: other work on the",
        "machine hardly moves it. PostgreSQL's own is not in it.",
        "",
        "| page | database | processor | answers | median | p95 | longest | target p95 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for page in sorted(found[0].times.pages):
        for each in found:
            values = each.times.pages.get(page)
            if not values:
                continue
            cost = f"{each.costs[page]:.0f} ms" if page in each.costs else ""
            target = f"{LIMITS[page]} ms" if page in LIMITS else ""
            lines.append(
                f"| {page} | {each.database} | {cost} | {len(values)}"
                f" | {statistics.median(values):.0f} ms | {p95(values):.0f} ms"
                f" | {max(values):.0f} ms | {target} |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=FULL)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=75)
    parser.add_argument("--alerts", type=int)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    is_full = options.cases == FULL and options.alerts is None and not options.only
    options.alerts = options.cases * 5 if options.alerts is None else options.alerts
    others = os.getloadavg()[0]
    databases = [options.only] if options.only else ["sqlite", "postgresql"]
    found = [measure(database, options) for database in databases]
    text = section(found, options, others)
    say(text)
    if is_full:
        before, _heading, rest = REPORT.read_text().partition(HEADING)
        _old, mark, later = rest.partition("\n## ")
        REPORT.write_text(f"{before.rstrip()}\n\n{text.rstrip()}\n{mark}{later}")


if __name__ == "__main__":
    main()
