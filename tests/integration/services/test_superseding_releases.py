"""A release in the place of another: drafted from it, with what changed, and the old one closed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from cases.dossier import Dossier, DossierAmount, DossierSuspect, Redaction
from cases.dossier_difference import difference
from cases.exports import html
from cases.models import AuditEvent, Case, Referral, SharedRelease
from cases.policy import PermissionDenied
from cases.queries.shared import release_for, releases_for
from cases.redaction_policy import RedactionPolicyError, suggested
from cases.services.dossier_masks import as_told_now
from cases.services.dossiers import redactable_fields
from cases.services.errors import CaseworkError
from cases.services.findings import withdraw_finding
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    content_hash_of,
    draft_referral,
    draft_successor,
    edit_referral,
    package_referral,
    preview,
    recall_referral,
    redact_referral,
    send_referral,
)
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    make_actor,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_suspect,
    person,
)
from tests.integration.services.test_liaison import send
from tests.officer_desk import make_officer
from tests.packs import RUN
from tests.unit.exports.test_exports import DOSSIER
from tests.unit.test_dossier_difference import TAG

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


@pytest.fixture
def officer() -> User:
    return make_officer(agency=make_agency())


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


def test_a_recalled_release_leaves_in_no_other(referral: Referral, officer: User) -> None:
    supervisor, compliance = person("supervisor"), person("compliance")
    new = draft_successor(referral, by=person("analyst"))
    edit_referral(new, version=1, summary="Less.", by=person("analyst"))
    redact_referral(new, redactions={}, by=person("analyst"))
    shown = content_hash_of(new)
    approve_referral(new, content_hash=shown, reason="Y.", by=supervisor)
    clear_referral(new, content_hash=shown, reason="Y.", by=compliance)
    package_referral(new, by=supervisor)
    recall_referral(referral, reason="A wrong name.", by=compliance)
    with pytest.raises(CaseworkError, match="was recalled"):
        send_referral(
            new, liaison_ids=[officer.pk], expires_at=timezone.now() + timedelta(days=3),
            by=supervisor,
        )  # fmt: skip
    assert (preview(new).replaces, preview(new).changes) == ("", ())
    assert content_hash_of(new) != shown, "what was approved is no more"


def test_what_is_left_out_now_is_left_out_under_any_name_it_had(case: Case) -> None:
    analyst = person("analyst")
    suspect = make_suspect(case, analyst, "Old Name")
    first, second = (
        make_approved_finding(case, analyst, statement=text, suspects=[suspect])
        for text in ("First.", "Second.")
    )
    referral = draft_referral(
        case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
        purpose="P", legal_gateway="G", caveats="", tlp="AMBER", handling_code="H1",
        findings=[first, second], freezes=[], by=analyst,
    )  # fmt: skip
    plain = preview(referral)
    run, wallet = RUN, DOSSIER.wallets[0]
    before = replace(plain, runs=(run,), wallets=(wallet,), tags=(TAG,), findings=tuple(
        replace(each, amounts=(replace(amount_of(plain), result_sha256=run.result_sha256),))
        for each in plain.findings
    ))  # fmt: skip
    codes = {
        f"{suspect.reference}.names": "personal", f"{wallet.address}.label": "method",
        f"{first.reference}.amounts": "method", f"{second.reference}.amounts": "method",
        f"{second.reference}.statement": "ongoing",
    }  # fmt: skip
    told = as_told_now(SharedRelease(referral=referral), before, codes)
    assert [each.statement for each in told.findings] == ["First.", Redaction("ongoing")]
    renamed = DossierSuspect("S1", "Persona", "Suspect", ("New Name",))
    after = replace(plain, findings=plain.findings[:1], suspects=(renamed,), wallets=(wallet,))
    changes = difference(before, after, told)
    words = " ".join(f"{each.before} {each.after}" for each in changes)
    for hidden in ("Old Name", "Second.", TAG.label, run.result_sha256):
        assert hidden not in words
    assert "[left out: personal]" in words
    assert Redaction("ongoing") in [each.before for each in changes]
    open_ones = as_told_now(SharedRelease(referral=referral), before, {"x.y": "method"})
    assert open_ones == before, "nothing else is hidden"
    fewer = replace(before, findings=before.findings[:1], suspects=before.suspects * 2)
    unsure = as_told_now(SharedRelease(referral=referral), fewer, codes)
    assert unsure.findings[0].statement == unsure.suspects[0].names == Redaction("irrelevant")


def amount_of(dossier: Dossier) -> DossierAmount:
    amounts = dossier.findings[0].amounts
    assert not isinstance(amounts, Redaction)
    return amounts[0]


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
