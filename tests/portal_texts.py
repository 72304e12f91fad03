"""Every text that an officer may read on the portal, out of the sources that write them.

`python -m tests.portal_texts fr` prints those that the catalogue of a language lacks, ready to be
pasted into its .po file.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = {"zh-hant": "zh_Hant", "fr": "fr"}
TEMPLATES = (
    "liaison/*.html", "base_document.html", "components/theme_switch.html",
    "components/error_summary.html", "django/forms/*.html", "40*.html", "500.html",
    # The way in, and an officer's own account.
    "entrance.html", "error.html", "account/base_reauthenticate.html", "account/login.html",
    "account/logout.html", "account/password_set.html", "account/reauthenticate.html",
    "account/account_inactive.html",
    "account/sign_in_link*.html", "mfa/*.html", "mfa/*/*.html",
    "usersessions/*.html", "session_over.html",
)  # fmt: skip
MODULES = (
    "cases/liaison/*.py", "cases/release_words.py", "cases/request_words.py",
    "fiu/templatetags/release.py", "fiu/templatetags/times.py", "fiu/errors.py",
    "cases/services/questions.py", "cases/services/outcomes.py", "cases/services/liaison.py",
    "cases/services/identifiers.py", "cases/services/requests/intake.py",
    "cases/services/uploads.py", "fiu/keys.py", "fiu/notices.py", "fiu/accounts.py",
    "fiu/passwords.py", "fiu/models.py", "fiu/limits.py", "fiu/session_over.py",
)  # fmt: skip
# Of modules that speak to the house as well, by the beginning of the key: what the portal shows.
TABLES = {
    "fiu/templatetags/badges.py": (
        "request.", "freeze.", "acknowledged", "closed", "refused", "critical", "high", "medium",
        "low", "severe", "lapsed", "provisional", "executing", "decision_due", "released",
        "approved",
    ),
    "fiu/templatetags/words.py": (
        "policy", "bounds", "audit chain", "haircut", "fifo", "lifo", "poison",
    ),
}  # fmt: skip
CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "L": 1, "ngettext": 2, "ngettext_lazy": 2}
CALL = re.compile(r"\b(n?gettext|_)\(")


def portal_texts() -> set[tuple[str, ...]]:
    """(text,) or (one, many) of each."""
    found: set[tuple[str, ...]] = set()
    for pattern in TEMPLATES:
        for path in sorted((ROOT / "templates").glob(pattern)):
            found |= set(_in_template(templatize(path.read_text("utf-8"))))
    for pattern in MODULES:
        for path in sorted(ROOT.glob(pattern)):
            found |= {texts for texts, _key in _in_module(path)}
    for name, keys in TABLES.items():
        found |= {texts for texts, key in _in_module(ROOT / name) if key.startswith(keys)}
    return found


def _in_template(code: str) -> Iterator[tuple[str, ...]]:
    """The calls that Django writes for its tags; what is between them is no Python."""
    for match in CALL.finditer(code):
        for end in (each.end() for each in re.finditer(r"\)", code[match.start() :])):
            try:
                call = ast.parse(code[match.start() : match.start() + end], mode="eval").body
            except SyntaxError:
                continue  # this bracket stands within the text
            if isinstance(call, ast.Call) and (texts := _texts(call.args)):
                yield texts
            break


def _in_module(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text, with the key it stands under in a table; "" elsewhere."""
    tree = ast.parse(path.read_text("utf-8"))
    keys: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    keys |= {id(each): str(key.value) for each in ast.walk(value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            number = CALLS.get(node.func.id, 0)
            texts = _texts(node.args[:number])
            if number and len(texts) == number:
                yield texts, keys.get(id(node), "")


def _texts(args: list[ast.expr]) -> tuple[str, ...]:
    return tuple(
        each.value
        for each in args
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def catalogue(language: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The texts of a .po file as it is written here: one entry after the other, no contexts."""
    source = (ROOT / "locale" / LANGUAGES[language] / "LC_MESSAGES/django.po").read_text("utf-8")
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for block in re.split(r"\n\s*\n", source):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if match := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
                name = match[1]
                parts[name] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[name] += ast.literal_eval(line)
        if not parts.get("msgid"):
            continue
        ids = (parts["msgid"],) + ((parts["msgid_plural"],) if "msgid_plural" in parts else ())
        found[ids] = tuple(parts[each] for each in sorted(parts) if each.startswith("msgstr"))
    return found


if __name__ == "__main__":
    known = catalogue(sys.argv[1]) if len(sys.argv) > 1 else {}
    for texts in sorted(portal_texts() - set(known)):
        print("|".join(texts))
