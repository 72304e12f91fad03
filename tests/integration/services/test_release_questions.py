"""Around a release: the download ledger with its marks, and questions on one thing of it."""

import hashlib

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from cases.exports import package
from cases.models import AnswerProposal, AuditEvent, ReleaseDownload, ReleaseQuestion, SharedRelease
from cases.policy import PermissionDenied, StepUpRequired
from cases.queries.inbox import inbox
from cases.queries.shared import release_for
from cases.services.downloads import take_file
from cases.services.errors import CaseworkError, NotFound
from cases.services.questions import MOST_OPEN, answer_question, ask_about_release, numbers_in
from cases.services.referrals import recall_referral
from cases.services.suspects import link_account
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import (
    make_account,
    make_actor,
    make_agency,
    make_asset,
    make_case,
    make_suspect,
    make_user,
    person,
    stale,
)
from tests.integration.services.test_liaison import send
from tests.packs import bag_of, named

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]


@pytest.fixture
def officer() -> User:
    return make_user("liaison", agency=make_agency())


@pytest.fixture
def release(officer: User) -> SharedRelease:
    make_asset()
    assert officer.agency is not None
    return send(make_case(), officer.agency, officer).releases.get()


def test_each_download_is_another_file_with_its_line(release: SharedRelease, officer: User) -> None:
    actor = make_actor(officer)
    view = release_for(actor, release.public_id)
    assert view is not None
    assert view.package is not None
    taken = [take_file(release.public_id, view.package.name, by=actor) for _time in range(2)]
    table = take_file(release.public_id, "amounts.csv", by=actor)
    assert table is not None
    lines = list(ReleaseDownload.objects.order_by("number"))
    assert [line.number for line in lines] == [1, 2, 3]
    assert len({line.sha256 for line in lines}) == 3
    for found, line in zip([*taken, table], lines, strict=True):
        assert found is not None
        assert hashlib.sha256(found.content).hexdigest() == line.sha256 == found.file.sha256
        assert (len(found.content), line.address) == (line.size, "127.0.0.1")
    assert taken[0] is not None
    files = bag_of(taken[0].content)
    assert named(files) == set()
    assert f"Download: {view.row.watermark}-1" in files[package.DOWNLOAD].decode()
    again = release_for(actor, release.public_id)
    assert again is not None
    assert [each.mark[-2:] for each in again.downloads] == ["-3", "-2", "-1"]


def test_what_is_not_open_is_not_taken_and_leaves_no_line(
    release: SharedRelease, officer: User
) -> None:
    for actor in (person("liaison"), person("supervisor")):
        assert take_file(release.public_id, "amounts.csv", by=actor) is None
    recall_referral(release.referral, reason="Wrong.", by=person("compliance"))
    assert take_file(release.public_id, "amounts.csv", by=make_actor(officer)) is None
    assert not ReleaseDownload.objects.exists()


def test_a_line_of_the_ledger_never_changes(release: SharedRelease, officer: User) -> None:
    take_file(release.public_id, "amounts.csv", by=make_actor(officer))
    rows = ReleaseDownload.objects.all()
    for change in (lambda: rows.update(name="other"), lambda: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def ask(release: SharedRelease, officer: User, **fields: str) -> ReleaseQuestion:
    words = {"about": "F1", "text": "How sure is this?"} | fields
    return ask_about_release(release.public_id, **words, by=make_actor(officer))


def test_a_question_on_one_thing_is_answered_once_for_both_to_read(
    release: SharedRelease, officer: User
) -> None:
    assert numbers_in(release.dossier)[0] == "F1"
    question = ask(release, officer)
    senior = person("supervisor")
    assert [row.kind for row in inbox(senior, "question")] == ["question"]
    answer_question(question, text="As sure as its tier says.", by=senior)
    with pytest.raises(InvalidTransition):
        answer_question(question, text="Otherwise.", by=person("compliance"))
    assert inbox(senior, "question") == []
    view = release_for(make_actor(officer), release.public_id)
    assert view is not None
    [read] = view.questions
    assert (read.about, read.answer) == ("F1", "As sure as its tier says.")
    events = AuditEvent.objects.filter(object=release.referral.reference)
    assert {"ask_about_release", "answer_question"} <= set(events.values_list("action", flat=True))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"about": "F9"}, "nothing of this number"),
        ({"text": " "}, "Write your question"),
        ({"text": "x" * 4001}, "4000"),
    ],
    ids=["number", "empty", "long"],
)
def test_a_question_that_cannot_be_asked_is_refused_in_a_sentence(
    release: SharedRelease, officer: User, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(CaseworkError, match=words):
        ask(release, officer, **fields)


def test_too_many_questions_wait_for_answers_first(release: SharedRelease, officer: User) -> None:
    for _number in range(MOST_OPEN):
        ask(release, officer, about="")
    with pytest.raises(CaseworkError, match="wait"):
        ask(release, officer)


def test_who_has_no_open_grant_asks_nothing(release: SharedRelease, officer: User) -> None:
    for actor in (person("liaison"), person("analyst")):
        with pytest.raises((NotFound, PermissionDenied)):
            ask_about_release(release.public_id, about="", text="And now?", by=actor)


def test_an_answer_leaves_the_house_as_a_release_does(
    release: SharedRelease, officer: User
) -> None:
    question = ask(release, officer)
    other = make_agency()
    for by, text, error in (
        (person("analyst"), "Yes.", PermissionDenied),
        (stale(person("supervisor")), "Yes.", StepUpRequired),
        (person("supervisor"), f"See {release.referral.case.reference}.", CaseworkError),
        (person("supervisor"), f"{other.name} asks the same.", CaseworkError),
        (person("supervisor"), " ", CaseworkError),
    ):
        with pytest.raises(error):
            answer_question(question, text=text, by=by)
    with pytest.raises(DatabaseError), transaction.atomic():
        ReleaseQuestion.objects.update(text="Another question")


# --- Two people where it tells of a person ---


@pytest.mark.parametrize("text", ["It is Pharos.", "Ada Holder has it.", "Look at ••5512."])
def test_an_answer_that_names_a_person_or_an_account_waits_for_a_second_person(
    release: SharedRelease, officer: User, text: str
) -> None:
    case = release.referral.case
    author = make_actor(User.objects.get(pk=case.owner_by_id))
    suspect = make_suspect(case, author, "Pharos")
    account = make_account("NQ-885512", holder_name="Ada Holder")
    link_account(suspect, account.uid, "Same device.", by=author)
    question, first, second = ask(release, officer), person("supervisor"), person("compliance")
    assert answer_question(question, text=text, by=first).answered_at is None
    view = release_for(make_actor(officer), release.public_id)
    assert view is not None
    assert [each.answer for each in view.questions] == [""]
    assert inbox(first, "question") == []
    [row] = inbox(second, "question")
    assert row.words.startswith("Send the answer to")
    assert answer_question(question, text=text, by=first).answered_at is None
    done = answer_question(question, text=text, by=second)
    assert (done.answer, done.answered_by_id) == (text, second.user_id)
    with pytest.raises(InvalidTransition):
        answer_question(question, text=text, by=person("supervisor"))


def test_other_words_than_those_proposed_are_a_proposal_anew(
    release: SharedRelease, officer: User
) -> None:
    question, first, second = ask(release, officer), person("supervisor"), person("compliance")
    answer_question(question, text="One.", has_personal=True, by=first)
    answer_question(question, text="Two.", by=second)
    question.refresh_from_db()
    assert question.answered_at is None
    assert answer_question(question, text="Two.", by=first).answer == "Two."


def test_the_database_sends_no_proposed_answer_by_one_person(
    release: SharedRelease, officer: User
) -> None:
    question, first = ask(release, officer), person("supervisor")
    answer_question(question, text="One.", has_personal=True, by=first)
    rows = ReleaseQuestion.objects.filter(pk=question.pk)
    for who, words in ((first, "One."), (person("compliance"), "Other.")):
        with pytest.raises(DatabaseError, match="second person"), transaction.atomic():
            rows.update(answer=words, answered_by=who.user_id, answered_at=timezone.now())
    for change in (
        lambda: AnswerProposal.objects.update(text="x"),
        AnswerProposal.objects.all().delete,
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
