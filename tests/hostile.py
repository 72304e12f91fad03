"""Texts that attackers write into forms, and what of a page they made (T9).

Every one that would work makes an element `qx`, an attribute `onqx`, a link by `javascript:qx`, the
number 62615533, or a formula.
"""

import csv
import io
import re
from html.parser import HTMLParser

from cases.exports.csv import FORMULA

SHORT = "'\"></script><qx onqx=1>"
"""One for the shortest field: out of an attribute of either kind, and out of a script."""

RUNS = re.compile(rb"<qx|'\">|\bonqx=1>|62615533", re.IGNORECASE)
"""What `SHORT` and the calculations of `TEXTS` leave in a page that does not escape them."""

TEXTS = (
    "<qx>", "<qx onqx=1>", "<QX>", "< qx>", "<qx/onqx=1>", "<qx\tonqx=1>", "<qx\nonqx=1>",
    "<qx\x0conqx=1>", "<<qx>", "<qx<qx>", "<!--><qx>", "<!--><qx>-->", "--><qx>", "]]><qx>",
    "<![CDATA[<qx>]]>", "<?xml?><qx>", "<!doctype qx><qx>", "</p><qx>", "</title><qx>",
    "</textarea><qx>", "</script><qx>", "</style><qx>", "</noscript><qx>", "</option></select><qx>",
    "</template><qx>", "</svg><qx>", "</iframe><qx>", "<svg><qx>", "<math><qx>",
    "<svg onload=qx()>", "<img src=x onerror=qx()>", "<body onload=qx()>", "<iframe src=//qx.test>",
    "<object data=//qx.test>", "<base href=//qx.test/>", "<meta http-equiv=refresh content=0>",
    "<form action=//qx.test>", "<a href=javascript:qx()>x</a>", "<style>*{color:red}</style>",
    '"><qx>', "'><qx>", "`><qx>", '" onqx="1', "' onqx='1", "x onqx=1", '" autofocus onfocus="qx()',
    '\\"><qx>', "\\'><qx>", "\\u003cqx\\u003e", "&lt;qx&gt;<qx>", "&#60;qx&#62;", "%3Cqx%3E",
    "javascript:qx()", "java\tscript:qx()", "JaVaScRiPt:qx()", "data:text/html,<qx>",
    "vbscript:qx()", "{{7919*7907}}",
    "{% load qx %}", "${7919*7907}", "#{7919*7907}", "<%= 7919*7907 %>",
    "{{ settings.SECRET_KEY }}", "%(qx)s %s {0} {qx}", "';qx();//", '"-qx()-"', "`${qx()}`",
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "=cmd|' /C calc'!A1",
    '=HYPERLINK("//qx.test")', "=IMPORTXML(1,2)", "＜qx＞", "\u202e<qx>\u202c", "\u200b<qx>",
    "\ufeff=1+1", "<q\u200bx>", "\u2028<qx>", "\x85=1+1", "İ<qx>", "'; DROP TABLE x; --", "1' OR 1",
    "../../etc/passwd", "a\\..\\b", "CON", "file:///etc/passwd", "http://169.254.169.254/",
)  # fmt: skip

TOGETHER = " ".join(TEXTS)


class Page(HTMLParser):
    """Collects what would run on a page, and what a text made of it."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("qx", "iframe", "object", "base", "math"):
            self.found.append(f"<{tag}>")
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append("<script>")
        for name, value in attrs:
            plain = "".join((value or "").split()).lower()
            is_link = name in ("href", "src", "action")
            if name.startswith("on") or (
                is_link and plain.startswith(("javascript:", "data:text", "vbscript:", "//"))
            ):
                self.found.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        if "62615533" in data:
            self.found.append("a calculation")


def faults(page: bytes) -> list[str]:
    """What would run on a page, by a parser of HTML: 40 ms for a large one."""
    return Page(page).found


def formulas(table: bytes) -> list[str]:
    """Cells of a CSV that a spreadsheet would run; numbers it would not."""
    rows = csv.reader(io.StringIO(table.decode(), newline=""))
    return [
        each
        for row in rows
        for each in row
        if each.startswith(FORMULA) and not each.lstrip("-").replace(".", "").isdigit()
    ]
