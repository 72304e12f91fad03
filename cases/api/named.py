"""Rows that a body names by their public id: only those that the sender may see (A5)."""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from cases.models import ExchangeAccount

UNKNOWN = gettext_lazy("There is no such row.")


class Visible(serializers.UUIDField):
    """The public id of a row of `model`, read as the row itself."""

    default_error_messages = {"unknown": UNKNOWN}

    def __init__(self, model: Any, **options: Any) -> None:
        self.model = model
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        public_id = _uuid(self, data)
        rows = self.model.objects.visible_to(self.context["actor"])
        row = rows.filter(public_id=public_id).first()
        if row is None:
            self.fail("unknown")
        return row


class Agency(serializers.UUIDField):
    """The public id of an agency, read as its number."""

    default_error_messages = {"unknown": UNKNOWN}

    def to_internal_value(self, data: Any) -> int:
        public_id = _uuid(self, data)
        agency = apps.get_model("fiu", "Agency").objects.filter(public_id=public_id).first()
        return _number(self, agency)


class Person(serializers.UUIDField):
    """The public id of a person, read as their number; whether they fit is for the service."""

    default_error_messages = {"unknown": UNKNOWN}

    def to_internal_value(self, data: Any) -> int:
        public_id = _uuid(self, data)
        person = get_user_model().objects.filter(public_id=public_id).first()
        return _number(self, person)


class Account(serializers.UUIDField):
    """The public id of an exchange account, read as its number."""

    default_error_messages = {"unknown": UNKNOWN}

    def to_internal_value(self, data: Any) -> int:
        account = ExchangeAccount.objects.filter(public_id=_uuid(self, data)).first()
        return _number(self, account)


def _uuid(field: serializers.UUIDField, data: Any) -> Any:
    """Text alone: a number is no id, though the library would take one."""
    if not isinstance(data, str):
        field.fail("invalid", value="?")
    return serializers.UUIDField.to_internal_value(field, data)


def _number(field: serializers.UUIDField, row: Model | None) -> int:
    """The number of the row that was named."""
    if row is None:
        field.fail("unknown")
        raise AssertionError  # `fail` has raised
    return int(row.pk)
