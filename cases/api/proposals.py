"""Rules of the house at the door for programs: put in force or rejected by a second person."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.utils.functional import Promise

from cases.api.door import Call, One, Step, route, writing
from cases.api.fields import Decision, Reason
from cases.policy import Action
from cases.states import PolicyState

STATES = [(state.value, state.value) for state in PolicyState]


def proposal_routes(
    address: str,
    kind: str,
    find: Callable[..., Any],
    answer: type[Any],
    *,
    one: Promise,
    approve: tuple[Callable[..., object], Promise],
    reject: tuple[Callable[..., object], Promise],
    rights: tuple[Action, ...],
    readers: tuple[Action, ...] = (),
    named: str = "",
) -> list[URLPattern]:
    """One proposal at `address`, and both decisions on it; `kind` begins the routes' names.

    `one` are the words of reading it, open to `readers` or to whoever has `rights`; `named` begins
    the name of that route where `kind` is taken.
    """
    steps = (("approve", *approve, Decision), ("reject", *reject, Reason))
    return [
        route(
            address, One, f"{named or kind}_detail", find=find, rights=readers or rights,
            calls={"GET": Call(one, answer)},
        ),
        *(
            route(
                f"{address}/{name}", Step, f"{kind}_{name}", find=find, service=service,
                rights=rights, calls={"POST": writing(words, answer, body)},
            )
            for name, service, words, body in steps
        ),
    ]  # fmt: skip
