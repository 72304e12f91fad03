"""A release in the place of another: drafted from it, with what changed, and the old one closed."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from cases.dossier import Redaction
from cases.exports import html, pdf
from cases.models import AuditEvent, Case, Referral, SharedRelease
from cases.policy import PermissionDenied
from cases.queries.shared import release_for, releases_for
from cases.redaction_policy import RedactionPolicyError, suggested
from cases.services.dossiers import redactable_fields
from cases.services.errors import CaseworkError
from cases.services.findings import withdraw_finding
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    content_hash_of,
    draft_successor,
    edit_referral,
    package_referral,
    preview,
    redact_referral,
    send_referral,
)
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import make_actor, make_agency, make_asset, make_case, make_user, person
from tests.integration.services.test_liaison import send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: False)


@pytest.fixture
def officer() -> User:
    return make_user("liaison", agency=make_agency())


@pytest.fixture
def case() -> Case:
    make_asset()
    return make_case()


@pytest.fixture
def referral(case: Case, officer: User) -> Referral:
    assert officer.agency is not None
    return send(case, officer.agency, officer)


def deliver(referral: Referral, officer: User, **redactions: str) -> SharedRelease:
    """From draft to the officer."""
    supervisor, compliance = person("supervisor"), person("compliance")
    asked = {key.replace("__", "."): code for key, code in redactions.items()}
    redact_referral(referral, redactions=asked, by=person("analyst"))
    shown = content_hash_of(referral)
    approve_referral(referral, content_hash=shown, reason="Y.", by=supervisor)
    clear_referral(referral, content_hash=shown, reason="Y.", by=compliance)
    release = package_referral(referral, by=supervisor)
    until = timezone.now() + timedelta(days=3)
    send_referral(referral, liaison_ids=[officer.pk], expires_at=until, by=supervisor)
    release.refresh_from_db()
    return release


def test_the_new_release_closes_the_old_one_and_says_what_changed(
    referral: Referral, officer: User
) -> None:
    analyst, old = person("analyst"), referral.releases.get()
    new = draft_successor(referral, by=analyst)
    edit_referral(new, version=1, summary="Less than was said.", by=analyst)
    assert [(c.field, c.before, c.after) for c in preview(new).changes] == [
        ("summary", "S", "Less than was said.")
    ]
    release = deliver(new, officer)
    old.refresh_from_db()
    assert (old.state, release.state) == ("superseded", "shared")
    assert (release.version, release.supersedes_id) == (2, old.pk)
    assert release.number != old.number
    actor = make_actor(officer)
    assert [row.number for row in releases_for(actor)] == [release.number]
    assert release_for(actor, old.public_id) is None
    view = release_for(actor, release.public_id)
    assert view is not None
    assert view.dossier.replaces == old.number
    assert view.dossier.changes[0].after == "Less than was said."
    page = html.render(view.dossier).decode()
    assert f"What changed since {old.number}" in page
    told = AuditEvent.objects.filter(object=referral.reference, action="supersede_release")
    assert told.count() == 1


def test_what_is_left_out_now_is_left_out_of_before_too(referral: Referral, officer: User) -> None:
    new = draft_successor(referral, by=person("analyst"))
    finding = new.findings.get()
    release = deliver(new, officer, **{f"{finding.reference}__statement": "method"})
    assert release.state == "shared"
    [change] = preview(new).changes
    assert (change.before, change.after) == (Redaction("method"), Redaction("method"))
    assert finding.statement not in release.dossier


def test_a_draft_has_one_successor_and_only_of_what_can_be_read(
    referral: Referral, case: Case
) -> None:
    new = draft_successor(referral, by=person("analyst"))
    with pytest.raises(InvalidTransition, match="being prepared"):
        draft_successor(referral, by=person("analyst"))
    with pytest.raises(InvalidTransition, match="officers can read"):
        draft_successor(new, by=person("analyst"))
    with pytest.raises(PermissionDenied):
        draft_successor(referral, by=person("auditor"))


def test_without_a_finding_that_stands_there_is_nothing_to_supersede_with(
    referral: Referral,
) -> None:
    withdraw_finding(referral.findings.get(), reason="Wrong.", by=person("supervisor"))
    with pytest.raises(CaseworkError, match="recall"):
        draft_successor(referral, by=person("analyst"))


def test_a_policy_suggests_by_recipient_and_decides_nothing(referral: Referral) -> None:
    new = draft_successor(referral, by=person("analyst"))
    fields = {each.field: each for each in redactable_fields(new)}
    assert fields["summary"].suggested == ""
    assert suggested(settings.FIU_HOME, "police", "XX") == {
        "customers": "personal", "holder": "personal",
    }  # fmt: skip
    assert suggested(settings.FIU_HOME, "court", "XX") == {}
    assert all(each.code == "" for each in fields.values())


@pytest.mark.parametrize(
    "text",
    ['[[row]]\nkind = "*"\n', "no table", '[[row]]\nkind="*"\ncountry="*"\nfields={holder="why"}',
     '[[row]]\nkind="*"\ncountry="*"\nfields={uid="personal"}'],
    ids=["field", "toml", "code", "unknown"],
)  # fmt: skip
def test_a_policy_that_cannot_be_read_says_where(tmp_path, text: str) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "redaction_policy.toml").write_text(text)
    with pytest.raises(RedactionPolicyError, match=r"redaction_policy\.toml"):
        suggested(tmp_path, "police", "XX")
