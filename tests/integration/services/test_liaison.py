"""The liaison's side: only what is granted, only while it is granted, and every look is written."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.exports import verify
from cases.files import FileDamaged, _path
from cases.models import Case, ReadEvent, Referral, SharedRelease, ShareGrant
from cases.policy import Actor, PermissionDenied
from cases.queries.shared import file_for, release_for, releases_for
from cases.services.errors import NotFound
from cases.services.liaison import acknowledge_release
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    content_hash_of,
    draft_referral,
    package_referral,
    recall_referral,
    redact_referral,
    send_referral,
)
from cases.states import InvalidTransition
from fiu.models import Agency, User
from tests.casework import (
    make_actor,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    person,
)
from tests.officer_desk import make_officer, verify_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


def send(case: Case, agency: Agency, *officers: User) -> Referral:
    """A release of this case, sent to these officers, whom two people verified."""
    for officer in officers:
        verify_account(officer)
    analyst, supervisor, compliance = person("analyst"), person("supervisor"), person("compliance")
    finding = make_approved_finding(case, analyst)
    referral = draft_referral(
        case, agency_id=agency.pk, kind="spontaneous", subject="Proceeds", summary="S",
        purpose="P", legal_gateway="Art. 1", caveats="", tlp="AMBER", handling_code="H1",
        findings=[finding], freezes=[], by=analyst,
    )  # fmt: skip
    redact_referral(referral, redactions={}, by=analyst)
    approve_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=supervisor)
    clear_referral(referral, content_hash=content_hash_of(referral), reason="Y.", by=compliance)
    package_referral(referral, by=supervisor)
    return send_referral(
        referral,
        liaison_ids=[officer.pk for officer in officers],
        expires_at=timezone.now() + timedelta(days=30),
        by=supervisor,
    )


@pytest.fixture
def agency() -> Agency:
    return make_agency()


@pytest.fixture
def officer(agency: Agency) -> User:
    return make_officer(agency=agency)


@pytest.fixture
def case() -> Case:
    make_asset()
    return make_case()


@pytest.fixture
def release(case: Case, agency: Agency, officer: User) -> SharedRelease:
    return send(case, agency, officer).releases.get()


def reads(release: SharedRelease, actor: Actor) -> list[object]:
    """What this person gets through each door."""
    return [
        releases_for(actor),
        release_for(actor, release.public_id),
        file_for(actor, release.public_id, "dossier.json"),
    ]


def test_an_officer_reads_and_downloads_what_was_granted(
    release: SharedRelease, officer: User
) -> None:
    actor = make_actor(officer)
    [row] = releases_for(actor)
    assert (row.number, row.subject, row.first_read_at) == (release.number, "Proceeds", None)
    view = release_for(actor, release.public_id)
    assert view is not None
    assert view.dossier.referral == release.referral.reference
    assert view.row.first_read_at is not None
    for file in view.files:
        found = file_for(actor, release.public_id, file.name)
        assert found is not None
        assert len(found.content) == file.size
    names = [file.name for file in view.files]
    assert "release.html" not in names
    assert f"release-{row.watermark}.html" in names
    assert release_for(actor, release.public_id).row.first_read_at == view.row.first_read_at  # type: ignore[union-attr]


def test_every_look_is_written_with_the_copy(release: SharedRelease, officer: User) -> None:
    actor = make_actor(officer)
    release_for(actor, release.public_id)
    file_for(actor, release.public_id, "dossier.json")
    watermark = release.grants.get().watermark
    assert list(
        ReadEvent.objects.order_by("pk").values_list("actor_id", "action", "object", "purpose")
    ) == [
        (officer.pk, "view_release", release.number, f"copy {watermark}"),
        (officer.pk, "download_release", f"{release.number} dossier.json", f"copy {watermark}"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda o, r: User.objects.filter(pk=o.pk).update(is_active=False),
        lambda o, r: User.objects.filter(pk=o.pk).update(agency=make_agency()),
        lambda o, r: ShareGrant.objects.update(expires_at=timezone.now()),
        lambda o, r: ShareGrant.objects.update(revoked_at=timezone.now()),
        lambda o, r: recall_referral(r.referral, reason="Stop.", by=person("compliance")),
    ],
    ids=["account closed", "moved to another agency", "expired", "revoked", "recalled"],
)
def test_a_grant_that_ended_gives_nothing_at_the_next_request(
    release: SharedRelease, officer: User, change: Callable[[User, SharedRelease], object]
) -> None:
    actor = make_actor(officer)
    assert all(reads(release, actor))
    num_reads = ReadEvent.objects.count()
    change(officer, release)
    officer.refresh_from_db()
    for asking in (actor, make_actor(officer)):
        assert not any(reads(release, asking))
        with pytest.raises(NotFound):
            acknowledge_release(release.public_id, by=asking)
    assert ReadEvent.objects.count() == num_reads


def test_nobody_without_a_grant_reads_a_release(
    release: SharedRelease, agency: Agency, officer: User
) -> None:
    others = [
        person("liaison"),
        person("liaison", agency=agency),
        *[person(role) for role in ("analyst", "supervisor", "compliance", "auditor", "admin")],
    ]
    for actor in others:
        assert not any(reads(release, actor))
        with pytest.raises((NotFound, PermissionDenied)):
            acknowledge_release(release.public_id, by=actor)
    assert release_for(make_actor(officer), uuid4()) is None
    assert ReadEvent.objects.count() == 0


def test_an_officer_never_gets_the_copy_of_another(
    case: Case, agency: Agency, officer: User
) -> None:
    second = make_officer(agency=agency)
    release = send(case, agency, officer, second).releases.get()
    mine, theirs = [release.grants.get(liaison=each).watermark for each in (officer, second)]
    actor = make_actor(officer)
    assert file_for(actor, release.public_id, f"release-{mine}.html") is not None
    for name in (f"release-{theirs}.html", f"manifest-{theirs}.json", "release.html", "../x"):
        assert file_for(actor, release.public_id, name) is None
    view = release_for(actor, release.public_id)
    assert theirs not in str(view)


def test_two_agencies_share_no_number(case: Case, agency: Agency, officer: User) -> None:
    other = make_agency()
    rival = make_officer(agency=other)
    send(case, agency, officer)
    send(case, other, rival)
    [mine], [theirs] = releases_for(make_actor(officer)), releases_for(make_actor(rival))
    assert not {mine.number, mine.referral, mine.public_id} & {
        theirs.number, theirs.referral, theirs.public_id,
    }  # fmt: skip


def test_acknowledging_is_once_per_officer(case: Case, agency: Agency, officer: User) -> None:
    second = make_officer(agency=agency)
    referral = send(case, agency, officer, second)
    release = referral.releases.get()
    acknowledge_release(release.public_id, by=make_actor(officer))
    referral.refresh_from_db()
    assert referral.state == "acknowledged"
    with pytest.raises(InvalidTransition):
        acknowledge_release(release.public_id, by=make_actor(officer))
    acknowledge_release(release.public_id, by=make_actor(second))
    assert release.grants.filter(acknowledged_at=None).count() == 0
    actions = case.events.filter(action__startswith="acknowledge").values_list("action", "actor")
    assert set(actions) == {
        ("acknowledge_referral", officer.pk), ("acknowledge_release", second.pk),
    }  # fmt: skip


def test_a_damaged_file_is_not_handed_out(release: SharedRelease, officer: User) -> None:
    file = release.files.get(name="dossier.json")
    path = _path(file.sha256)
    content = path.read_bytes()
    try:
        path.write_bytes(content + b" ")
        with pytest.raises(FileDamaged):
            file_for(make_actor(officer), release.public_id, "dossier.json")
    finally:
        path.write_bytes(content)


def test_each_officer_has_a_package_of_their_own_with_its_recorded_hash(
    case: Case, agency: Agency, officer: User, tmp_path: Path
) -> None:
    second = make_officer(agency=agency)
    release = send(case, agency, officer, second).releases.get()
    contents = []
    for user in (officer, second):
        actor = make_actor(user)
        view = release_for(actor, release.public_id)
        assert view is not None
        assert view.package is not None
        found = file_for(actor, release.public_id, view.package.name)
        assert found is not None
        assert hashlib.sha256(found.content).hexdigest() == view.package.sha256
        assert view.row.watermark in view.package.name
        assert ReadEvent.objects.filter(
            actor_id=user.pk, action="download_release",
            object=f"{release.number} {view.package.name}",
        ).exists()  # fmt: skip
        contents.append(found.content)
    assert contents[0] != contents[1]
    place = tmp_path / "release.zip"
    place.write_bytes(contents[0])
    report = verify.check(place)
    assert report.wrong == []
    assert f"its SHA-256 is {release.sha256}." in " ".join(report.checked)
