"""Field rules of the models as one sentence, before anything is written."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from cases.services.errors import CaseworkError

LONGEST_SENTENCE = 500
# Embeddings, overrides and isolates: a title with one is shown as other words than it holds. The
# marks that texts in Arabic and Hebrew need (U+200E, U+200F) are none of them.
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def check_fields(row: models.Model, *names: str) -> None:
    """Raise CaseworkError with one sentence unless these fields hold what their columns allow.

    Texts are measured against `max_length` and `choices`; SQLite itself measures nothing. Titles
    and names hold no signs that turn the reading direction.
    """
    others = {field.name for field in row._meta.fields} - set(names)
    try:
        row.clean_fields(exclude=others)
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise CaseworkError(f"{name.replace('_', ' ').capitalize()}: {messages[0]}") from None
    for name in names:
        if isinstance(row._meta.get_field(name), models.CharField) and TURNS.search(
            getattr(row, name) or ""
        ):
            raise CaseworkError(
                _("%(field)s: it holds signs that turn the reading direction; take them out.")
                % {"field": name.replace("_", " ").capitalize()}
            )


def is_country(code: str) -> bool:
    """Whether it has the form of a country's code: two letters of ASCII."""
    return len(code) == 2 and code.isascii() and code.isalpha()


def require_text(value: str, sentence: str) -> str:
    """The text without outer blanks. Raises CaseworkError with `sentence` when nothing is left."""
    text = value.strip()
    if not text:
        raise CaseworkError(sentence)
    return text


def require_reason(reason: str) -> str:
    """Every decision carries its reason."""
    return require_text(reason, _("Give a reason: it is kept in the audit trail."))


def require_sentence(reason: str) -> str:
    """A reason of one sentence, at most 500 characters."""
    told = require_text(reason, _("Give your reason in one sentence."))
    if len(told) > LONGEST_SENTENCE:
        raise CaseworkError(_("Keep the reason under 500 characters."))
    return told


def present_values(row: models.Model, asked: dict[str, Any]) -> dict[str, object]:
    """What the row holds now where it differs from what was asked, for the answer to a 409."""
    return {
        name: getattr(row, name)
        for name, value in asked.items()
        if hasattr(row, name) and getattr(row, name) != value
    }
