"""Races between a right and its end: a hold against disposal, a recall against a download."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from cases.exports import pdf
from cases.files import load_bytes
from cases.models import AuditEvent, Case, Evidence, ReleaseDownload
from cases.policy import SYSTEM
from cases.services.audit import verify_chains
from cases.services.cases import close_case, decide_case, submit_case
from cases.services.disposal import dispose_evidence, request_disposal
from cases.services.downloads import take_file
from cases.services.errors import CaseworkError
from cases.services.evidence import acquire_evidence
from cases.services.holds import set_legal_hold
from cases.services.instruments import UploadedBytes
from cases.services.referrals import recall_referral
from fiu.closing import close_account
from fiu.models import User
from fiu.staff import change_role
from tests.casework import fresh, make_actor, make_agency, make_asset, make_case, make_user, person
from tests.integration.services.test_liaison import send
from tests.integration.test_races import FEW, RACES, race, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def disposable(number: int) -> Evidence:
    """An exhibit of a closed case whose time is over, its disposal asked for."""
    by, boss = person("analyst"), person("supervisor")
    case = submit_case(make_case(by, started=True), reason="Ready.", by=by)
    case = decide_case(case, decisions=["no_action"], reason="Yes.", by=boss)
    letter = acquire_evidence(
        case, document=UploadedBytes("a.txt", b"letter %d" % number), kind="document", title="A",
        source="S", source_grade="A", information_grade="1", by=by,
    )  # fmt: skip
    close_case(case, closure_reason="no_suspicion", reason="Nothing.", by=person("compliance"))
    yesterday = timezone.now().date() - timedelta(days=1)
    Case.objects.filter(pk=case.pk).update(retention_until=yesterday)
    letter.refresh_from_db()
    return request_disposal(letter, reason="Over.", by=boss)


def test_a_hold_and_a_disposal_at_once_never_lose_a_held_exhibit() -> None:
    """The hold may come too late, but then the exhibit was gone before there was one."""
    first, second = person("compliance"), person("compliance")
    consistent = []
    for number in range(FEW):
        letter = disposable(number)
        held = Case.objects.get(pk=letter.case_id)
        outcomes = race(
            lambda held=held: set_legal_hold(held, reason="Suit.", by=first),
            lambda letter=letter: dispose_evidence(letter, reason="Yes.", by=fresh(second)),
        )
        assert outcomes[0] is None, outcomes
        at = {event.action: event.seq for event in letter.case.events.all()}
        row = Evidence.objects.get(pk=letter.pk)
        is_gone = outcomes[1] is None
        assert is_gone == (row.state == "disposed"), f"race {number}: {outcomes}"
        if is_gone:
            consistent.append(int(at["dispose_evidence"] < at["set_legal_hold"]))
        else:
            consistent.append(int(load_bytes(row.sha256) == b"letter %d" % number))
        assert consistent[-1] == 1, f"race {number}: {at}"
    tell("hold against disposal", consistent)
    assert verify_chains().is_whole


def test_a_recall_and_a_download_at_once_never_give_a_file_without_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken with its line before the recall, or not at all; and never after it."""
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    make_asset()
    consistent = []
    for number in range(FEW):
        agency = make_agency()
        officer = make_user("liaison", agency=agency)
        actor = make_actor(officer)
        referral = send(make_case(), agency, officer)
        release = referral.releases.get()
        taken: list[object] = []
        outcomes = race(
            lambda referral=referral: recall_referral(
                referral, reason="Mistake.", by=person("compliance")
            ),
            lambda release=release, actor=actor, taken=taken: taken.append(
                take_file(release.public_id, "amounts.csv", by=actor)
            ),
        )
        assert outcomes == [None, None], f"race {number}: {outcomes}"
        lines = ReleaseDownload.objects.filter(release=release).count()
        consistent.append(int(lines == sum(each is not None for each in taken)))
        assert consistent[-1] == 1, f"race {number}: {lines} lines, {taken}"
        assert take_file(release.public_id, "amounts.csv", by=actor) is None
    tell("recall against download", consistent)


DEMOTE = partial(change_role, role="auditor")


@pytest.mark.parametrize(
    "ends", [(close_account, close_account), (DEMOTE, DEMOTE), (close_account, DEMOTE)]
)
def test_of_two_administrators_ended_at_once_exactly_one_stays(
    ends: tuple[Callable[..., object], ...],
) -> None:
    """Each ending locks the other's administrator too: in one order, else they wait for ever."""
    winners = []
    for number in range(RACES):
        pair = [make_user("admin"), make_user("admin")]
        outcomes = race(
            *[
                partial(end, each, reason="R.", by=SYSTEM)
                for end, each in zip(ends, pair, strict=True)
            ]
        )
        winners.append(outcomes.count(None))
        assert winners[-1] == 1, f"race {number}: {outcomes}"
        assert [type(error) for error in outcomes if error is not None] == [CaseworkError]
        left = User.objects.filter(is_active=True, role="admin")
        assert left.count() == 1
        left.update(is_active=False)
    tell("two administrators ended", winners)
    ended = AuditEvent.objects.filter(case=None, action__in=["close_account", "change_role"])
    assert ended.count() == RACES
    assert verify_chains().is_whole
