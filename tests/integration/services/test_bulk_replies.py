"""Many replies without match at once: each a decision of its own, and none that should not be."""

import pytest

from cases.models import AuditEvent, InformationRequest, RequestDecision
from cases.policy import PermissionDenied, StepUpRequired
from cases.queries.requests import without_match
from cases.services.errors import CaseworkError
from cases.services.requests import mark_no_matches, record_request
from cases.services.requests.bulk import MOST_AT_ONCE
from tests.casework import make_account, make_actor, make_deposit_address, make_user, person, stale
from tests.integration.services.test_desk_intake import spec
from tests.integration.services.test_requests import in_review
from tests.unit.exports.test_exports import ADDRESS

pytestmark = pytest.mark.django_db
WORDS = {"words": "We hold nothing.", "reason": "Searched."}


def checked(number: int) -> list[InformationRequest]:
    """Requests of one agency that a person checked."""
    officer, analyst = make_actor(make_user("liaison")), person("analyst")
    return [
        in_review(record_request(spec(agency_ref=f"N-{each}"), by=officer), analyst)
        for each in range(number)
    ]


def shown(requests: list[InformationRequest]) -> dict[object, str]:
    return {each.public_id: each.content_hash for each in requests}


def test_each_is_decided_by_itself_and_what_changed_is_left() -> None:
    requests, by = checked(3), person("supervisor")
    assert [each.pk for each, _words in without_match(by, 20)] == [each.pk for each in requests]
    hashes = shown(requests) | {requests[1].public_id: "0" * 64}
    done = mark_no_matches(requests, content_hashes=hashes, **WORDS, by=by)  # type: ignore[arg-type]
    assert [bool(reason) for _request, reason in done] == [False, True, False]
    states = InformationRequest.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["no_match", "in_review", "no_match"]
    assert RequestDecision.objects.filter(step="no_match").count() == 2


def test_what_matches_is_neither_offered_nor_replied_to() -> None:
    requests, by = checked(1), person("supervisor")
    make_deposit_address(make_account(), ADDRESS)
    assert without_match(by, 20) == []
    [(_request, reason)] = mark_no_matches(
        requests, content_hashes=shown(requests), **WORDS, by=by,  # type: ignore[arg-type]
    )  # fmt: skip
    assert "matches" in reason


def test_who_may_not_decide_replies_to_none() -> None:
    requests = checked(1)
    for by, error in (
        (person("analyst"), PermissionDenied),
        (stale(person("supervisor")), StepUpRequired),
    ):
        with pytest.raises(error):
            mark_no_matches(requests, content_hashes=shown(requests), **WORDS, by=by)  # type: ignore[arg-type]
    for number in (0, MOST_AT_ONCE + 1):
        with pytest.raises(CaseworkError, match="from 1 to"):
            mark_no_matches(requests * number, content_hashes={}, **WORDS, by=person("supervisor"))


def test_each_refused_permission_among_them_leaves_its_event() -> None:
    boss = person("supervisor")
    mine = in_review(record_request(spec(agency_ref="N-9"), by=person("liaison")), boss)
    both = [mine, *checked(1)]
    done = mark_no_matches(both, content_hashes=shown(both), **WORDS, by=boss)  # type: ignore[arg-type]
    assert [bool(reason) for _request, reason in done] == [True, False]
    event = AuditEvent.objects.get(action="permission_refused")
    assert (event.case, event.object, event.actor_id) == (None, mine.reference, boss.user_id)
