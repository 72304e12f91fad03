"""The rules of the house that a tool can check."""

import ast
import hashlib
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

# Together, so that the sources are parsed once.
pytestmark = pytest.mark.xdist_group("house")

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("fiu", "cases", "tracing")
TOP = {
    "README.md", "LICENSE", "Makefile", "pyproject.toml", "manage.py", "requirements.txt",
    "requirements-dev.txt", "requirements-fast.txt", "requirements-learn.txt",
    "requirements-scale.txt",
    "requirements-spark.txt",
    "requirements-oidc.txt", "Dockerfile",
    "docker-compose.yml", "docker-compose.tls.yml", ".ci",
    ".gitignore", ".dockerignore", "fiu", "cases", "tracing", "templates", "tests", "docs",
    "locale",
}  # fmt: skip


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).exists()]


def sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]


@cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every source with its tree: 2 s, once."""
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))) for path in sources()
    ]


def run(*command: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_imports_go_one_way() -> None:
    run("lint-imports")


def test_ruff_finds_nothing() -> None:
    run("ruff", "check", *PACKAGES, "tests", "manage.py")


def test_formatting_is_even() -> None:
    run("ruff", "format", "--check", *PACKAGES, "tests", "manage.py")


def test_nothing_but_the_house_stands_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


@pytest.mark.xdist_group("house")
def test_a_group_of_tests_stays_with_one_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist groups by a suffix of a test's name; a pytest without it splits journeys."""
    is_distributed = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@house") == is_distributed


def test_no_signals_and_no_save_overrides() -> None:
    found = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("django.db.models.signals", "django.dispatch")
            ):
                found.append(f"{path}:{node.lineno} signal")
            if isinstance(node, ast.ClassDef):
                found += [
                    f"{path}:{item.lineno} save()"
                    for item in node.body
                    if isinstance(item, ast.FunctionDef) and item.name == "save"
                ]
    assert found == []


def test_no_utils_module_and_no_mock() -> None:
    assert [p for p in tracked() if p.name == "utils.py"] == []
    banned = re.compile(
        r"^\s*(from unittest import mock|import unittest\.mock|from unittest\.mock)"
    )
    found = [
        str(path)
        for path in tracked()
        if path.suffix == ".py"
        and any(banned.match(line) for line in path.read_text(encoding="utf-8").splitlines())
    ]
    assert found == []


# Tables that belong to no case: rates, assets, the exchange's own directory, people. And the two
# reads that are the filter themselves.
FREE_TABLES = {
    "Asset", "Price", "Agency", "User", "ExchangeAccount", "Balance", "DepositAddress",
    "OwnAddress", "AccountLink", "ExchangeRecord", "Authenticator", "AccountEvent",
    "CustomerProfile", "Provider", "Rule", "RuleChange", "DetectionRun",
    "ApprovalPolicy", "ClockRule", "Webhook", "WebhookDelivery", "LabelSource",
    "AgencyEntry", "OfficerEntry", "OfficerAlarm", "LegalRow",
}  # fmt: skip
DOORS = ("cases/web", "cases/liaison", "cases/api", "cases/queries", "cases/exports")
# A liaison's rows are filtered by grant or agency, not by case. Deconfliction looks at exactly
# those cases that one may not see, and tells a yes or no.
GRANT_FILTERED = {
    "cases/queries/shared.py", "cases/queries/shared_requests.py", "cases/queries/shared_lists.py",
    "cases/queries/deconfliction.py",
}  # fmt: skip
# What a chain of calls may say instead of `visible_to`.
SCOPES = {
    "visible_to",
    "open_to",  # what `visible_to` shows of alerts that wait
    "changeable_by",  # what `visible_to` shows, without what may only be read
    "none",  # no rows at all: the form sets them from its case
    "OuterRef",  # a column of the outer row, which passed the filter itself
    "Prefetch",  # the children of rows that passed the filter themselves
    "newest_hash",  # that something changed, not what
    "live_on",  # what the exchange holds on an account is its own fact, whichever case asked
}


def _model_of(node: ast.expr) -> str:
    """The model of `Model.objects`, `get_user_model().objects` or `get_model(...).objects`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Call):
        if ast.unparse(node.func) == "get_user_model":
            return "User"
        if ast.unparse(node.func) == "apps.get_model" and isinstance(node.args[-1], ast.Constant):
            return str(node.args[-1].value)
    return "?"


def _scoped_use_without_filter(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Uses of `Model.objects` whose chain of calls nowhere says a scope."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr == "objects"):
            continue
        model = _model_of(node.value)
        if model in FREE_TABLES:
            continue
        above: ast.AST = node
        names = set()
        while isinstance(above, ast.Attribute | ast.Call):
            if isinstance(above, ast.Attribute):
                names.add(above.attr)
            else:
                words = [*above.args, *(keyword.value for keyword in above.keywords)]
                names |= {
                    ast.unparse(word.func) for word in words if isinstance(word, ast.Call)
                } & {"OuterRef"}
                names |= {ast.unparse(above.func)} & {"Prefetch"}
            above = parents.get(above, tree)
        if not names & SCOPES:
            yield node.lineno, model


@pytest.mark.parametrize(
    ("source", "is_scoped"),
    [
        ("Case.objects.visible_to(actor).filter(pk=1)", True),
        ("Case.objects.filter(pk=1)", False),
        ("Case.objects.all().count()", False),
        ("Wallet.objects.filter(case=OuterRef('pk')).values('case')", True),
        ("Wallet.objects.filter(case=case)", False),
        ("Prefetch('names', SuspectName.objects.order_by('pk'))", True),
        ("list(SuspectName.objects.order_by('pk'))", False),
        ("get_user_model().objects.only('username')", True),
        ("apps.get_model('fiu', 'Agency').objects.all()", True),
        ("apps.get_model('cases', 'Case').objects.all()", False),
        ("FreezeLine.objects.live_on(accounts)", True),
    ],
)
def test_the_check_of_case_rows_sees_what_it_should(source: str, is_scoped: bool) -> None:
    assert (list(_scoped_use_without_filter(ast.parse(source))) == []) is is_scoped


def test_doors_and_reads_reach_case_rows_only_through_visible_to() -> None:
    found = [
        f"{path}:{line} {model}.objects"
        for path, tree in trees()
        if str(path).startswith(DOORS) and str(path) not in GRANT_FILTERED
        for line, model in _scoped_use_without_filter(tree)
    ]
    assert found == []


# Positions on screen, shares for sorting and clocks are floats; money never is.
FLOATS_ALLOWED = (
    "cases/flow", "cases/detection/risk_model.py", "cases/detection/training.py",  # log-odds
    "cases/detection/elliptic.py", "tracing/engine/wallet_figures.py",  # permille for a score
    "tracing/engine/progress", "cases/charts",
    "tracing/ledgers", "tracing/jobs.py",
    "tracing/runner.py", "tracing/tasks.py", "cases/gateways", "cases/exports/svg.py",
    "tracing/nodes/configured.py", "tracing/nodes/wire.py", "tracing/sync.py",
    "tracing/following.py",
    "tracing/management/commands/sync_chain.py",  # seconds
)  # fmt: skip


def test_no_float_in_casework_and_engine() -> None:
    found = []
    for path, tree in trees():
        if not str(path).startswith(("cases/", "tracing/")):
            continue
        if str(path).startswith(FLOATS_ALLOWED):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                found.append(f"{path}:{node.lineno} {node.value}")
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "float"
            ):
                found.append(f"{path}:{node.lineno} float()")
    assert found == []


SECTION = re.compile(r"<section [^>]*aria-labelledby=.*?<h2[^>]*>(.*?)</h2>(.*?)</section>", re.S)
REGION = re.compile(r'role="region" aria-label="(.*?)">')


def test_a_section_and_the_table_in_it_have_names_of_their_own() -> None:
    """Two landmarks of one name are one place too many for who goes by landmarks."""
    found = [
        f"{path.relative_to(ROOT)} {name}"
        for path in (ROOT / "templates").rglob("*.html")
        for name, inside in SECTION.findall(path.read_text(encoding="utf-8"))
        for region in REGION.findall(inside)
        if region.replace("'", '"') == name
    ]
    assert found == []


def test_templates_have_no_inline_script_or_style() -> None:
    found = []
    for path in (ROOT / "templates").rglob("*.html"):
        if "exports" in path.parts:
            continue  # documents that stand alone, outside the site's policy
        text = path.read_text(encoding="utf-8")
        if re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on", text):
            found.append(str(path.relative_to(ROOT)))
        for script in re.findall(r"<script[^>]*>", text):
            if "src=" not in script and "application/json" not in script:
                found.append(f"{path.relative_to(ROOT)} {script}")
        if "|safe" in text:
            found.append(f"{path.relative_to(ROOT)} |safe")
    assert found == []


# Words that open a door, and the only files that may say them; each has its reason beside it there.
OPENERS = {
    "mark_safe": {
        "fiu/templatetags/release.py", "fiu/templatetags/money.py", "fiu/templatetags/icons.py",
        "fiu/templatetags/casework.py", "cases/web/flow.py",
        "cases/exports/html.py",  # the same picture as on the screen, in the report
    },
    "SafeText": set(),
    "csrf_exempt": {"fiu/csp.py", "fiu/oidc/logout.py"},
    "xframe_options_exempt": set(),
    "RawSQL": set(), "raw": set(), "extra": set(),
    "eval": set(), "exec": set(), "compile_command": set(),
    "pickle": set(), "marshal": set(), "shelve": set(), "dill": set(),
    "os.system": set(), "os.popen": set(), "mktemp": set(),
    "_create_unverified_context": set(), "CERT_NONE": set(),
    "urllib.request": set(), "httpx": set(), "smtplib": {"cases/gateways/mail.py"}, "ftplib": set(),
    "requests": {"fiu/oidc/" + name for name in (
        "adapter.py", "logout.py", "session.py", "views.py",
    )},
    "http.client": {
        "cases/gateways/exchange.py", "tracing/nodes/wire.py",
        "cases/gateways/connections.py",  # for the next three
        "cases/gateways/labels.py",  # hosts of FIU_LABEL_HOSTS alone
        "cases/gateways/webhooks.py",  # hosts of FIU_WEBHOOK_HOSTS alone
        "cases/gateways/timestamps.py",  # the host of FIU_TSA_URL alone
        "fiu/probe.py", "fiu/supervisor.py",  # both of this machine
    },
    "create_connection": {  # to the servers that the operator named
        "tracing/compute/engines.py", "cases/gateways/antivirus.py",
    },
    "template.Template": set(), "from_string": set(),
}  # fmt: skip


def _opened(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where a tree calls or imports one of `OPENERS`."""
    for node in ast.walk(tree):
        said = set()
        if isinstance(node, ast.Import):
            said = {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            said = {str(node.module), *(each.name for each in node.names)}
            said |= {f"{node.module}.{each.name}" for each in node.names}
            if (node.module or "").startswith(PACKAGES):
                said = set()
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            said = {name, name.rpartition(".")[2]}
        elif isinstance(node, ast.Attribute):
            said = {node.attr} & {"CERT_NONE"}
        yield from ((getattr(node, "lineno", 0), word) for word in said & set(OPENERS))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import requests", {"requests"}),
        ("from requests import get", {"requests"}),
        ("from cases.queries import requests", set()),
        ("Case.objects.raw('x')", {"raw"}),
        ("from django.views.decorators.csrf import csrf_exempt", {"csrf_exempt"}),
        ("context.verify_mode = ssl.CERT_NONE", {"CERT_NONE"}),
        ("import os\nos.system(x)", {"os.system"}),
        ("re.compile('x').pattern", set()),
    ],
)
def test_the_check_of_words_that_open_a_door_sees_them(source: str, words: set[str]) -> None:
    assert {word for _line, word in _opened(ast.parse(source))} == words


def test_words_that_open_a_door_stand_only_where_they_were_reviewed() -> None:
    found = [
        f"{path}:{line} {word}"
        for path, tree in trees()
        for line, word in _opened(tree)
        if str(path) not in OPENERS[word]
    ]
    assert found == []


SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}|\bAIza[\w-]{35}\b|\bsk_live_\w{20}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10}"
    r"|(?i:password|passwd|secret|token|api_?key)\w{0,12}[\"']?\s*[:=]\s*[\"'](?P<word>[^\"'\s{}$<>]{16,})[\"']"
)  # fmt: skip
READ = {".py", ".yml", ".yaml", ".toml", ".json", ".js", ".sh", ".md", ".txt", ".cfg", ".ini", ""}


def _is_random(word: str) -> bool:
    """Whether a word looks drawn, not written: 3.5 bits a letter and several kinds of them."""
    shares = [word.count(letter) / len(word) for letter in set(word)]
    kinds = sum(bool(re.search(kind, word)) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return kinds >= 2 and -sum(share * math.log2(share) for share in shares) > 3.5


def _secrets(text: str) -> list[str]:
    return [
        found[0][:40]
        for found in SECRETS.finditer(text)
        if found["word"] is None or _is_random(found["word"])
    ]


@pytest.mark.parametrize(
    ("text", "is_secret"),
    [
        ("-----BEGIN " + "RSA PRIVATE KEY-----", True),
        ('password = "' + 'q8Zr2LxT0vPw7NcB4mKd"', True),
        ('"api_key": "' + '9f86d081884c7d659a2feaa0c55ad015"', True),
        ("AKIA" + "IOSFODNN7EXAMPLE", True),
        ('password = "a long enough password"', False),
        ('secret="correct-horse-battery-staple"', False),
        ('"FIU_SECRET_KEY_FILE": "/run/secrets/secret_key"', False),
    ],
)
def test_the_look_for_secrets_sees_them(text: str, is_secret: bool) -> None:
    assert bool(_secrets(text)) == is_secret


def test_no_secret_lies_in_the_tree() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {each}"
        for path in tracked()
        if path.suffix in READ and path.is_file() and path.stat().st_size < 1_000_000
        for each in _secrets(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_architecture_names_functions_that_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    defined = set()
    for _path, tree in trees():
        defined |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    named = {
        name.split(".")[-1]
        for row in rows
        for name in re.findall(r"`([a-z_.]+)`", row.split("|")[2])
    }
    assert named - defined - {"shared", "exchange", "py"} == set()


def test_documents_link_only_to_files_that_exist() -> None:
    missing = []
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not (path.parent / target).exists():
                missing.append(f"{path.relative_to(ROOT)} -> {target}")
    assert missing == []


def test_every_direct_package_is_pinned_with_its_reason() -> None:
    for name in sorted(path.name for path in ROOT.glob("requirements*.txt")):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r ")):
                pin, _hash, reason = line.partition("#")
                assert re.match(r"^[A-Za-z0-9_.\[\],-]+==[0-9][^ ;]*( *;.*)? +$", pin), line
                assert reason.strip(), line


def test_vendored_files_are_what_their_checksums_say() -> None:
    checked = 0
    vendored = [ROOT / "fiu/static/vendor", ROOT / "fiu/vendor"]
    for sums in (each for folder in vendored for each in folder.rglob("SHA256SUMS")):
        for line in sums.read_text(encoding="utf-8").splitlines():
            digest, name = line.split(maxsplit=1)
            data = (sums.parent / name.lstrip("*")).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest, f"{sums.parent.name}/{name}"
            checked += 1
    assert checked > 0
