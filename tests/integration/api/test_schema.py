"""The description: valid OpenAPI, and an example and the errors for every operation."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from rest_framework.serializers import Serializer

from tests.casework import make_user
from tests.integration.api.conftest import PREFIX, made, program_of

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("api-schema")]
WRITES = ("post", "patch")
ROOT = "urn:openapi"


@pytest.fixture(scope="module")
def document(django_db_setup: None, django_db_blocker: Any) -> dict[str, Any]:
    """As compliance reads it: everything."""
    with django_db_blocker.unblock(), transaction.atomic():
        program = program_of(make_user("compliance"))
        found: dict[str, Any] = made(program.get("openapi.json"), 200)
        transaction.set_rollback(True)
    return found


def test_it_is_made_without_a_warning(document: dict[str, Any]) -> None:
    assert document["paths"]
    assert not GENERATOR_STATS, [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield f"{method} {path}", told


def validator_of(document: dict[str, Any]) -> Callable[[dict[str, Any], Any], list[str]]:
    """A check of values against schemas of the document, in the words of OpenAPI 3.0."""
    # Here, as they take two seconds to load and every worker collects this file.
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from referencing import Registry, Resource  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    contents = {"$id": ROOT, **nullable({"components": document["components"]})}
    resource = Resource.from_contents(contents, default_specification=DRAFT202012)
    registry: Any = Registry().with_resource(ROOT, resource)

    def fits(schema: dict[str, Any], value: Any) -> list[str]:
        inside = json.loads(json.dumps(nullable(schema)).replace('"#/', f'"{ROOT}#/'))
        found = Draft202012Validator(inside, registry=registry).iter_errors(value)
        return [f"{list(error.absolute_path)}: {error.message}"[:200] for error in found]

    return fits


def nullable(schema: Any) -> Any:
    """OpenAPI's `nullable` as JSON Schema says it."""
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: nullable(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    from drf_spectacular.validation import validate_schema  # noqa: PLC0415  # with jsonschema

    validate_schema(document)
    assert document["openapi"] == "3.0.3"
    named = [told["operationId"] for _name, told in operations(document)]
    assert len(named) == len(set(named))
    assert {"token", "session"} <= set(document["components"]["securitySchemes"])


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    silent = []
    for name, told in operations(document):
        statuses = set(told["responses"])
        wanted = {"401", "403", "404"} | ({"400"} if name.startswith(WRITES) else set())
        if not told.get("summary") or not wanted <= statuses:
            silent.append(f"{name}: {sorted(statuses)}")
        for status, answer in told["responses"].items():
            if int(status) >= 400 and set(answer["content"]) != {"application/problem+json"}:
                silent.append(f"{name}: {status} is no problem")
    assert silent == []


def test_every_operation_has_examples_that_fit_its_schema(document: dict[str, Any]) -> None:
    wrong = []
    fits = validator_of(document)
    for name, told in operations(document):
        parts = list(told["responses"].values())
        parts += [told["requestBody"]] if "requestBody" in told else []
        for part in parts:
            for media, content in part.get("content", {}).items():
                if not media.endswith("json") and media != "multipart/form-data":
                    continue  # bytes
                values = [each["value"] for each in content.get("examples", {}).values()]
                if not values:
                    wrong.append(f"{name} {media}: no example")
                for value in values:
                    wrong += [f"{name} {media} {why}" for why in fits(content["schema"], value)]
    assert wrong == []


def test_every_changing_post_needs_a_key(document: dict[str, Any]) -> None:
    without = set()
    for name, told in operations(document):
        headers = [each["name"] for each in told.get("parameters", []) if each["in"] == "header"]
        if name.startswith("post") and headers != ["Idempotency-Key"]:
            without.add(told["operationId"])
    assert without == {
        "address_lookup", "screening", "search", "audit_verify", "suspect_account_reveal",
        "evidence_verify", "evidence_export", "cohort_member_reveal",
    }  # fmt: skip


def test_amounts_are_text_in_every_schema(document: dict[str, Any]) -> None:
    names = {"base", "low", "high", "value", "requested", "executed", "released", "held", "amount"}
    numbers = [
        f"{component}.{name}"
        for component, schema in document["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if name in names and field.get("type") in ("integer", "number")
    ]
    assert numbers == []


def test_what_may_be_null_is_described_so() -> None:
    """A field that stands as null where nothing is there would break who goes by the document."""

    def under(kind: type[Serializer[Any]]) -> Iterator[type[Serializer[Any]]]:
        for each in kind.__subclasses__():
            yield each
            yield from under(each)

    ours = [each for each in under(Serializer) if each.__module__.startswith("cases.api.")]
    assert len(ours) > 100
    assert [
        f"{each.__qualname__}.{name}"
        for each in ours
        for name, field in each._declared_fields.items()
        if field.default is None and not field.allow_null
    ] == []


def test_what_one_may_not_do_is_not_described() -> None:
    plain = made(program_of(make_user("analyst")).get("openapi.json"), 200)
    assert not any("report" in path for path in plain["paths"])
    assert not any("Report" in name for name in plain["components"]["schemas"])
    entitled = program_of(make_user("analyst", may_view_reports=True))
    assert any("report" in path for path in made(entitled.get("openapi.json"), 200)["paths"])
    auditor = made(program_of(make_user("auditor")).get("openapi.json"), 200)
    whole = {"audit", "audit/verify", "outside-lookups"}
    assert set(auditor["paths"]) == {f"{PREFIX}{path}" for path in whole}
    assert Client().get(f"{PREFIX}openapi.json").status_code == 401
