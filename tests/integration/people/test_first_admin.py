"""The first administrator: a line in the audit trail, and an account that is whole or not there."""

import io

import pytest
from django.core.management import CommandError, call_command
from redis.exceptions import RedisError

from cases.models import AuditEvent
from cases.services.audit import verify_chains
from fiu.database_errors import sentence_of
from fiu.models import User
from tests.casework import make_user

pytestmark = pytest.mark.django_db


def make(name: str, email: str = "root@example.org") -> str:
    out = io.StringIO()
    call_command("create_admin", name, email, stdout=out)
    return out.getvalue()


def test_the_account_of_an_administrator_stands_in_the_audit_trail() -> None:
    assert "/accounts/link/" in make("root")
    user = User.objects.get(username="root")
    event = AuditEvent.objects.get(case=None, action="create_account")
    assert (event.object, event.actor_id) == (f"user:{user.pk}", None)
    assert event.data == '{"name":"root","role":"admin"}'
    assert verify_chains().is_whole


def test_a_cache_that_nobody_reaches_leaves_no_half_made_account(settings) -> None:
    nobody_listens = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:9/1",
    }
    settings.CACHES = {**settings.CACHES, "default": nobody_listens}
    with pytest.raises(RedisError) as stopped:
        make("root")
    told = sentence_of(stopped.value) or ""
    assert told.startswith("The cache of FIU_CACHE_URL cannot be reached: ")
    assert not User.objects.filter(username="root").exists()
    assert not AuditEvent.objects.filter(action="create_account").exists()


@pytest.mark.parametrize(
    ("name", "email", "sentence"),
    [
        ("", "root@example.org", "The name: This field cannot be blank."),
        ("root", "", "The e-mail address: This field cannot be blank."),
        ("root", "no address", "The e-mail address: Enter a valid email address."),
        ("ana", "root@example.org", "There is already a person named ana."),
        ("root", "ANA@example.org", "The e-mail address ANA@example.org is another account's."),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_a_sentence(
    name: str, email: str, sentence: str
) -> None:
    make_user("analyst", username="ana", email="ana@example.org")
    with pytest.raises(CommandError) as refused:
        make(name, email)
    assert str(refused.value) == sentence
    assert not AuditEvent.objects.filter(action="create_account").exists()
