"""Reading what a program sends: JSON with a cap on size and depth (S10), idempotency keys."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from cases.api.problems import TooLarge

MAXIMUM_JSON = 1024 * 1024  # bytes
MAXIMUM_DEPTH = 20
KEY = re.compile(r"[!-~]{1,255}")
KEY_HEADER = "Idempotency-Key"


class CappedJSONParser(BaseParser):
    """JSON up to 1 MB and 20 levels; NaN and the like are refused."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        content = stream.read(MAXIMUM_JSON + 1)
        if len(content) > MAXIMUM_JSON:
            raise TooLarge
        try:
            value = json.loads(content, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise exceptions.ParseError(_("The body is no JSON.")) from None
        if b"\\ud" in content.lower() and not _is_text(value):
            raise exceptions.ParseError(_("A text holds half a character, such as \\ud800 alone."))
        if _depth(value) > MAXIMUM_DEPTH:
            raise exceptions.ParseError(_("The body is nested too deeply."))
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _is_text(value: Any) -> bool:
    """Whether all of it can be written again: half of a pair of surrogates cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth(value: Any) -> int:
    """Levels of lists and objects, counted only as far as the cap."""
    level, depth = [value], 0
    while level and depth <= MAXIMUM_DEPTH:
        level = [
            part
            for each in level
            if isinstance(each, dict | list)
            for part in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


class AlwaysJSON(BaseContentNegotiation):
    """There is one form of answer: whatever a client says it accepts, it gets JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((each for each in parsers if each.media_type == sent), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def idempotency_key(request: Request) -> str:
    """The key of a changing request. Raises ParseError where it is missing or odd."""
    key = request.headers.get(KEY_HEADER, "")
    if not KEY.fullmatch(key):
        raise exceptions.ParseError(
            _("Send an Idempotency-Key of 1 to 255 visible ASCII characters.")
        )
    return str(key)


def request_digest(request: Request, body: Any) -> str:
    """SHA-256 over method, path and what was sent; files count by their bytes.

    A repeated upload has another boundary, so the parsed content is hashed, not the raw body.
    """
    told = json.dumps([request.method, request.path, _told(body)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _told(value: Any) -> Any:
    if isinstance(value, UploadedFile):
        digest = hashlib.sha256()
        for chunk in value.chunks():
            digest.update(chunk)
        value.seek(0)
        return [value.name, digest.hexdigest()]
    if isinstance(value, Mapping):
        return {str(name): _told(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_told(part) for part in value]
    return value
