"""How long a child that ended waits, and when the supervisor gives up."""

from pathlib import Path

from fiu.child import STARTS_ANEW
from fiu.supervisor import DEATHS_ALLOWED, Child, Supervisor


def make_child() -> Child:
    return Child("worker", ["celery"], Path("worker.log"))


def test_a_child_that_crashes_waits_longer_each_time_until_it_is_given_up() -> None:
    child = make_child()
    waits = [child.count_death(1, now=float(number)) for number in range(DEATHS_ALLOWED)]
    assert waits == [1, 2, 4, 8, 16]
    assert Supervisor._died_too_often(child)


def test_a_child_that_asks_for_a_new_start_gets_one_however_often() -> None:
    child = make_child()
    assert {child.count_death(STARTS_ANEW, now=float(number)) for number in range(20)} == {1.0}
    assert not Supervisor._died_too_often(child)


def test_crashes_far_apart_are_no_reason_to_give_up() -> None:
    child = make_child()
    assert {child.count_death(-9, now=100.0 * number) for number in range(9)} == {1.0}
    assert not Supervisor._died_too_often(child)
