"""Fields and bases of the serializers: amounts as text, strict bodies, people, times."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cases.models import Asset
from cases.models.fields import BaseUnitsField, parse_base_units

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)
SHA256 = r"^[0-9a-f]{64}$"
LONGEST_TEXT = 20_000


@extend_schema_field(
    {
        "type": "string",
        "pattern": "^[0-9]{1,78}$",
        "description": "Amount in base units (satoshi, wei) as text; a number is refused.",
    }
)
class BaseUnits(serializers.Field):
    """An amount in base units: text in both directions, never a JSON number (M4)."""

    default_error_messages = {
        "invalid": gettext_lazy("Send the amount in base units as text of 1 to 78 digits.")
    }

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return parse_base_units(str(data))
        except ValueError:
            self.fail("invalid")
        raise AssertionError  # `fail` has raised

    def to_representation(self, value: int | str) -> str:
        return str(value)


@extend_schema_field(
    {
        "type": "string",
        "pattern": "^-?[0-9]{1,78}$",
        "description": "A difference of amounts in base units, as text; it may be negative.",
    }
)
class Difference(BaseUnits):
    """What is left of an amount: below zero where more is held than what was traced."""


class Moment(serializers.DateTimeField):
    """A time with its zone, between 1970 and 9990."""

    default_error_messages = {
        "invalid": gettext_lazy("Say a time with its zone, such as 2025-03-03T09:00:00Z."),
        "overflow": gettext_lazy("Say a time between 1970 and 9990."),
    }

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str):
            self.fail("invalid")
        at: datetime = super().to_internal_value(value)
        if not EARLIEST <= at <= LATEST:
            self.fail("overflow")
        return at

    def enforce_timezone(self, value: datetime) -> datetime:
        """Without a zone a deadline would be some hours off, and nobody would notice."""
        if value.utcoffset() is None:
            self.fail("invalid")
        at: datetime = super().enforce_timezone(value)
        return at


@extend_schema_field(
    {"type": "integer", "minimum": 0, "description": "A stretch of time in whole seconds."}
)
class Seconds(serializers.Field):
    """A stretch of time in whole seconds."""

    def to_representation(self, value: timedelta) -> int:
        return int(value.total_seconds())


@extend_schema_field(OpenApiTypes.BINARY)
class Upload(serializers.FileField):
    """The bytes of a file, as one part of a form."""


class Text(serializers.CharField):
    """Text; a number is not taken for one."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Hash(Text):
    """The `content_hash` of what was shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=64, max_length=64, **options)


def shown(name: str) -> str:
    """A name that a program made up, as an answer may repeat it."""
    return name[:60].encode("ascii", "replace").decode()


def require_once(sent: QueryDict) -> None:
    """Raises ValidationError where a name comes twice: one of its values would vanish unsaid."""
    for name, values in sent.lists():
        if len(values) > 1:
            raise serializers.ValidationError({shown(name): [_("Say it once.")]})


class Body(serializers.Serializer):
    """What a program sends. Fields that are not listed are refused, not dropped (A5)."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {shown(unknown[0]): [_("There is no such field.")]}
                )
        return super().to_internal_value(data)


class Nothing(Body):
    """An empty object."""


class Reason(Body):
    """A reason, which stands in the audit trail."""

    reason = Text()


class Decision(Body):
    """A decision on exactly the content that was shown."""

    content_hash = Hash()
    reason = Text()


class Row(serializers.ModelSerializer):
    """A row of a table, by its public id; `Meta.fields` lists what is told."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        BaseUnitsField: BaseUnits
    }


class PublicId(serializers.UUIDField):
    """The public id of a row that another one names."""

    def __init__(self, source: str, **options: Any) -> None:
        super().__init__(source=f"{source}.public_id", **options)


class PersonAnswer(serializers.Serializer):
    """A person of the house or of an agency."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField(source="username")


class AgencyAnswer(serializers.Serializer):
    """An agency."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    short_name = serializers.CharField()


@extend_schema_field({"type": "integer", "nullable": True})
class Decimals(serializers.Field):
    """How many decimals turn base units of the row's `asset` into whole ones; null if unknown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(source="asset", read_only=True, **options)

    def to_representation(self, value: str) -> int | None:
        known: dict[str, int] | None = self.root.__dict__.get("decimals_of_assets")
        if known is None:  # one query an answer, however many amounts
            known = dict(Asset.objects.values_list("asset", "decimals"))
            self.root.__dict__["decimals_of_assets"] = known
        return known.get(value)


class AssetAnswer(Row):
    """What an amount is of; `decimals` turns base units into whole ones."""

    class Meta:
        model = Asset
        fields = ["asset", "symbol", "decimals"]


class CaseName(serializers.Serializer):
    """The case that a row belongs to."""

    id = serializers.UUIDField(source="public_id")
    reference = serializers.CharField()
