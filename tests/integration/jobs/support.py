"""People, parameters and a small slow engine for the tests of runs."""

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from fiu.models import User
from tracing import jobs
from tracing.engine.spec import TraceParameters
from tracing.engine.walk import Progress
from tracing.leases import Claim
from tracing.models import TraceRun
from tracing.runner import Watch


def person(name: str = "ana", **fields: Any) -> User:
    return User.objects.create(username=name, role="analyst", **fields)


def question(number: int = 0) -> TraceParameters:
    """Parameters that differ by number."""
    return TraceParameters(ledger="bitcoin-regtest", seeds=(f"{number:064x}:0",))


def queued(number: int = 0, case: UUID | None = None, by: User | None = None) -> TraceRun:
    user = by or User.objects.filter(username="ana").first() or person()
    return jobs.queue(case or uuid4(), user.pk, question(number))


def sealed(text: str) -> dict[str, Any]:
    """A result such as an engine gives, with its hash."""
    return {"seal": {"result_sha256": hashlib.sha256(text.encode()).hexdigest()}, "ends": [text]}


def slow_engine(steps: int, seconds: float) -> Callable[[Claim, Watch], dict[str, Any]]:
    """A chain of hashes, one a step; whoever resumes wrongly gets another digest."""

    def compute(held: Claim, watch: Watch) -> dict[str, Any]:
        seed = held.parameters["seeds"][0]
        done, digest = 0, hashlib.sha256(seed.encode()).hexdigest()
        if held.checkpoint is not None:
            done, digest = held.checkpoint["kernel"]["done"], held.checkpoint["kernel"]["digest"]
        while done < steps:
            digest = hashlib.sha256(digest.encode()).hexdigest()
            done += 1
            kernel = {"done": done, "digest": digest}
            watch(
                Progress(
                    addresses=done,
                    transactions=done,
                    frontier=steps - done,
                    depth=done,
                    explained_pct=done * 100 // steps,
                    checkpoint=lambda kernel=kernel: kernel,
                )
            )
            time.sleep(seconds)
        return sealed(digest)

    return compute


def expected_digest(run: TraceRun, steps: int) -> str:
    digest = hashlib.sha256(run.parameters["seeds"][0].encode()).hexdigest()
    for _ in range(steps):
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return hashlib.sha256(digest.encode()).hexdigest()
