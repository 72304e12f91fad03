"""Two programs with one key at once: one write, one answer."""

import threading
from typing import Any

import pytest
from django.db import connection

from cases.models import Case, IdempotencyKey
from tests.casework import make_user
from tests.integration.api.conftest import made, program_of

ROUNDS = 5
CASE = {"title": "Lanternbox", "case_type": "darknet", "priority": "P2"}


@pytest.mark.django_db(transaction=True)
def test_of_two_callers_with_one_key_exactly_one_writes() -> None:
    program = program_of(make_user("analyst"))
    for number in range(ROUNDS):
        answers: list[Any] = []
        barrier = threading.Barrier(2)

        def call(key: str, answers: list[Any] = answers, barrier: Any = barrier) -> None:
            try:
                barrier.wait()
                answers.append(made(program_of_same().post("cases", CASE, key=key)))
            finally:
                connection.close()

        def program_of_same() -> Any:
            return type(program)(program.user, type(program.client)(), program.token)

        threads = [threading.Thread(target=call, args=(f"race-{number}",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 2
        assert answers[0] == answers[1]
        assert Case.objects.count() == IdempotencyKey.objects.count() == number + 1
