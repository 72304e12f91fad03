"""An example for every body and answer, made from the fields of its serializer."""

from typing import Any

from drf_spectacular.drainage import get_override
from rest_framework import serializers

from cases.api.fields import BaseUnits, Decimals, Seconds
from cases.api.problems import NOT_FOUND, Problem

ID = "3f0c9a52-7d3e-4b6a-9a71-5f0e2c8d4b19"
HASH = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
AT, ON = "2025-03-03T09:00:00Z", "2025-03-03"
SENTENCE = "Checked against the ledger."
# By field name; every other text gets SENTENCE.
WORDS = {
    "reference": "CASE-2025-000042",
    "title": "Lanternbox",
    "name": "morgan",
    "short_name": "FTF-1",
    "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "ledger": "bitcoin-regtest",
    "asset": "bip122:0f9188f13cb7b2c71f2a335e3a4fc328/slip44:0",
    "symbol": "BTC",
    "outpoint": f"{HASH}:0",
    "content_hash": HASH,
    "sha256": HASH,
    "jurisdiction": "XX",
    "country": "XX",
    "code_name": "LANTERN",
    "account_uid": "NQ-884417",
    "text": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "q": "Lanternbox",
    "next": "",
    "currency": "USD",
    "policy": "fifo",
    "mode": "destination",
}


def example_of(told: Any) -> Any:
    """An example of what a serializer or field reads or tells."""
    if isinstance(told, serializers.ListSerializer | serializers.ListField):
        return [example_of(told.child)]
    if isinstance(told, serializers.BaseSerializer):
        return {name: _field(name, each) for name, each in told.fields.items()}
    return _field(str(told.field_name or ""), told)


def _field(name: str, told: Any) -> Any:
    if isinstance(told, serializers.BaseSerializer | serializers.ListField):
        return example_of(told)
    if isinstance(told, serializers.SerializerMethodField):
        method = getattr(told.parent, told.method_name or "")
        declared = get_override(method, "field")
        return SENTENCE if declared is None else example_of(declared)
    if isinstance(told, BaseUnits):
        return "150000000"
    if isinstance(told, Decimals):
        return 8
    if isinstance(told, Seconds):
        return 3600
    if isinstance(told, serializers.ManyRelatedField):
        return [ID]
    if isinstance(told, serializers.EmailField):
        return "lin@fiu.example"
    if isinstance(told, serializers.UUIDField | serializers.RelatedField):
        return ID
    if isinstance(told, serializers.DateTimeField):
        return AT
    if isinstance(told, serializers.DateField):
        return ON
    if isinstance(told, serializers.BooleanField):
        return False
    if isinstance(told, serializers.ChoiceField):
        return next(value for value in told.choices if value != "")
    if isinstance(told, serializers.IntegerField):
        return max(1, told.min_value or 0)
    if isinstance(told, serializers.DecimalField):
        return "12.50"
    if isinstance(told, serializers.JSONField | serializers.DictField):
        return {}
    if isinstance(told, serializers.FileField):
        return "(bytes)"
    text = WORDS.get(name, SENTENCE)
    most, least = getattr(told, "max_length", None), getattr(told, "min_length", None)
    if least and len(text) < least:
        text = HASH
    return text[:most] if most else text


SAVED_BY_ANOTHER = "Somebody else has saved this case in the meantime."
ERROR_EXAMPLES: dict[int, dict[str, Any]] = {
    400: Problem(
        400, "invalid", "reason: This field is required.",
        ({"field": "reason", "detail": "This field is required."},),
    ).body(),
    401: Problem(401, "not-authenticated").body(),
    403: Problem(
        403, "step-up-by-person",
        "This act asks for a fresh second factor, which a token cannot show.",
    ).body(),
    404: NOT_FOUND.body(),
    409: Problem(409, "version-changed", SAVED_BY_ANOTHER).body(),
    413: Problem(413, "too-large").body(),
    415: Problem(415, "unsupported-media-type").body(),
    422: Problem(422, "not-possible", "Give a reason: it is kept in the audit trail.").body(),
    429: Problem(429, "too-fast", "Too many calls: wait 3 seconds.").body(),
}  # fmt: skip
