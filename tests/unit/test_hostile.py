"""What the look for hostile texts sees, and that no table lets one run (T9, S9)."""

import pytest

from cases.exports import csv
from tests import hostile

pytestmark = pytest.mark.once


def test_the_look_at_pages_sees_what_is_not_escaped() -> None:
    runs = [text for text in hostile.TEXTS if hostile.faults(f'<p title="x">{text}</p>'.encode())]
    assert len(runs) > 40
    for page in (
        b"<title></title><qx></title>", b"<script type='application/json'></script><qx></script>",
        b"<a href='java\tscript:qx()'>", b'<p title=""onqx=1>', b"<p>62615533</p>",
        b"<script>qx()</script>", f"<p>{hostile.SHORT}</p>".encode(),
    ):  # fmt: skip
        assert hostile.faults(page), page
    assert (
        hostile.faults(b'<p title="&lt;qx&gt;">&lt;qx onqx=1&gt;</p><script src="/x"></script>')
        == []
    )


@pytest.mark.parametrize("around", ["<p>{}</p>", "<p title='{}'>", '<p title="{}">', "<title>{}"])
def test_the_quick_look_sees_the_short_one_wherever_it_stands(around: str) -> None:
    assert hostile.RUNS.search(around.format(hostile.SHORT).encode())
    assert not hostile.RUNS.search(around.format("&#x27;&quot;&gt;&lt;qx onqx=1&gt;").encode())


def test_no_text_is_a_formula_in_a_table() -> None:
    table = csv.write(["text"], [[text] for text in (hostile.SHORT, *hostile.TEXTS)])
    assert hostile.formulas(table) == []
    assert hostile.formulas(b"=1+1,-7\r\n-1.5,x\r\n") == ["=1+1"]
