"""How long an answer takes tells nothing: hidden and absent, known and unknown.

In one process without a socket, on an installation of 300 cases with SQLite, so that the processor
time is all of it and other work on the machine is not. Pairs are asked by turns, in changing order;
the medians are compared.
"""

import random
import statistics
import sys
from collections.abc import Callable
from time import process_time
from typing import Final
from uuid import uuid4

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.core.cache import caches
from django.test import Client
from django.urls import reverse

from cases.models import Case
from fiu.models import User
from fiu.preparation import prepare
from tests.bench.load_world import Maker
from tests.conftest import client_of
from tests.figures.figure import Figure, hand_over, load
from tests.integration.matrix.asking import TIME, TOKEN

PAIRS: Final = 150
SIGN_INS: Final = 40
CLOSE_MS: Final = 2.0
HERE: Final = {"host": "localhost"}
CLOSE_SHARE: Final = 0.1


def medians(
    one: Callable[[], object], other: Callable[[], object], num: int
) -> tuple[float, float]:
    """Milliseconds of processor time of both, asked by turns."""
    dice, found = random.Random(1), ([], [])  # type: tuple[random.Random, tuple[list[float], ...]]
    for number in range(num + 3):
        turn = [(one, found[0]), (other, found[1])]
        dice.shuffle(turn)
        for ask, times in turn:
            begun = process_time()
            ask()
            if number >= 3:  # templates and statements are warm
                times.append((process_time() - begun) * 1000)
    return statistics.median(found[0]), statistics.median(found[1])


def bare(body: bytes) -> bytes:
    """An answer without what differs from one to the next."""
    return TIME.sub(b"", TOKEN.sub(rb"\1", body))


def hidden_and_absent() -> Figure:
    busy = load()
    client = client_of(User.objects.filter(role="analyst").order_by("pk")[0])
    case = Case.objects.filter(freezes__isnull=False).order_by("pk")[0]
    Case.objects.filter(pk=case.pk).update(visibility="sealed")  # and nobody is named
    rows = {
        "case_detail": case,
        "case_money": case,
        "finding_detail": case.findings.order_by("pk")[0],
        "freeze_detail": case.freezes.order_by("pk")[0],
    }
    widest, num_unlike, asked = 0.0, 0, 0
    for route, row in rows.items():
        there, nowhere = reverse(route, args=[row.public_id]), reverse(route, args=[uuid4()])
        answers = [client.get(path, headers=HERE) for path in (there, nowhere)]
        if [answer.status_code for answer in answers] != [404, 404]:
            raise SystemExit(f"{route} does not answer 404")
        num_unlike += bare(answers[0].content) != bare(answers[1].content)
        one, other = medians(
            lambda path=there: client.get(path, headers=HERE),
            lambda path=nowhere: client.get(path, headers=HERE),
            PAIRS,
        )
        print(f"{route}: hidden {one:.2f} ms, absent {other:.2f} ms")
        widest, asked = max(widest, abs(one - other)), asked + 1
    return Figure(
        "a hidden thing is answered as one that is not there",
        "equal bodies, medians within 2 ms",
        f"{asked - num_unlike} of {asked} bodies equal; medians {widest:.2f} ms apart at most",
        is_met=not num_unlike and widest <= CLOSE_MS,
        by="`python -m tests.figures answers`",
        load=busy,
    )


def known_and_unknown() -> Figure:
    """With the slow hash of passwords that production has."""
    busy = load()
    user = User.objects.create_user(
        "known", "known@fiu.example", "a long enough password", role="analyst"
    )
    wrong = {"password": "not the password at all"}

    def sign_in(name: str) -> None:
        for each in settings.CACHES:
            caches[each].clear()  # else the sixth try is refused before anything is compared
        Client().post("/accounts/login/", {"login": name, **wrong}, headers=HERE)

    one, other = medians(lambda: sign_in(user.username), lambda: sign_in("nobody"), SIGN_INS)
    apart = abs(one - other) / max(one, other)
    return Figure(
        "a known name is refused as slowly as an unknown one",
        "within 10 %",
        f"{one:.0f} and {other:.0f} ms, {apart:.1%} apart",
        is_met=apart <= CLOSE_SHARE,
        by="`python -m tests.figures answers`",
        load=busy,
    )


def measure() -> list[Figure]:
    """On the empty installation of FIU_HOME."""
    prepare(lambda line: None)
    Maker(300, 20, 1_500).make()
    return [hidden_and_absent(), known_and_unknown()]


if __name__ == "__main__":
    hand_over(sys.argv[1], measure())
