"""Domains of officers: the agency's own, one that only looks like it, and another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.lookalikes import DomainVerdict, judge

OURS = "fntf.example"
PUNYCODE = "\u0444ntf".encode("idna").decode()


@pytest.mark.parametrize(
    ("email", "verdict"),
    [
        ("a@fntf.example", "same"), ("a@FNTF.Example.", "same"), ("a@north.fntf.example", "same"),
        ("a@fnft.example", "look_alike"), ("a@fntf.examp1e", "look_alike"),
        ("a@fntf.org", "look_alike"), ("a@fntf-example.org", "look_alike"),
        ("a@fntf.example.evil.test", "look_alike"), ("a@fntff.example", "look_alike"),
        ("a@\u0444ntf.example", "look_alike"), (f"a@{PUNYCODE}.example", "look_alike"),
        ("a@ntf.example", "look_alike"), ("a@police.test", "other"), ("nobody", "none"),
        ("", "none"),
    ],
)  # fmt: skip
def test_a_domain_is_told_apart_from_one_that_looks_like_it(email: str, verdict: str) -> None:
    assert judge(email, OURS) == verdict


@given(st.text(alphabet="abcdefghijkmnopqrstuvwxyz", min_size=5, max_size=20), st.data())
def test_one_letter_of_difference_is_always_seen(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    changed = name[:at] + ("z" if name[at] != "z" else "a") + name[at + 1 :]
    assert judge(f"x@{changed}.example", f"{name}.example") == DomainVerdict.LOOK_ALIKE
