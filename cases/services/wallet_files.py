"""Wallets out of a file of another program: STIX, MISP or FollowTheMoney.

The file itself becomes an exhibit first, then its addresses go the way of a pasted list: each line
is taken, or comes back with its reason.
"""

import json
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from cases.exports import ftm, misp, stix
from cases.models import Case
from cases.policy import Action, Actor
from cases.services.errors import CaseworkError
from cases.services.evidence import acquire_evidence
from cases.services.instruments import UploadedBytes
from cases.services.locks import enter_case
from cases.services.wallets import MAXIMUM_PASTED_LINES, PasteReport, add_wallets

FORMATS = {"STIX 2.1": stix, "MISP": misp, "FollowTheMoney": ftm}
MAXIMUM_BYTES = 5 * 1024 * 1024
HIDDEN = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


@transaction.atomic
def import_wallets(
    case: Case, *, document: UploadedBytes, role: str, source: str, by: Actor
) -> tuple[str, PasteReport]:
    """Keep the file as an exhibit, add the addresses it names; its format, what became of them.

    Raises PermissionDenied, CaseworkError for a file of no known format or without an address.
    """
    case = enter_case(case.pk, Action.ADD_WALLET, by=by)
    name, rows = read_wallet_file(document.content)
    stem = document.name.rpartition(".")[0] or document.name
    # Lines of JSON are no JSON file: kept under the name of what they are, text.
    kept = UploadedBytes(f"{stem}.txt" if name == "FollowTheMoney" else document.name,
                         document.content)  # fmt: skip
    exhibit = acquire_evidence(
        case, document=kept, kind="osint", title=_("%(format)s file") % {"format": name},
        source=source, source_grade="X", information_grade="4", by=by,
    )  # fmt: skip
    text = "\n".join(address for address, _words in rows)
    note = f"{exhibit.exhibit_no}, {source}"[:200]
    report = add_wallets(
        case, text=text, role=role, provenance="document", provenance_note=note, by=by
    )
    return name, report


def read_wallet_file(content: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The format of a file and its (address, words) in its order. Raises CaseworkError."""
    if len(content) > MAXIMUM_BYTES:
        raise CaseworkError(_("The file is larger than 5 MB."))
    _refuse_tricks(content)
    for name, module in FORMATS.items():
        try:
            rows = module.wallets_in(content)
        except (ValueError, TypeError, AttributeError, RecursionError):
            continue
        rows = list({address: (address, words) for address, words in rows if address}.values())
        if not rows:
            raise CaseworkError(_("This %(format)s file names no wallet.") % {"format": name})
        if len(rows) > MAXIMUM_PASTED_LINES:
            raise CaseworkError(
                _("This file names more than %(n)d wallets.") % {"n": MAXIMUM_PASTED_LINES}
            )
        _require_lines(address for address, _words in rows)
        return name, rows
    raise CaseworkError(_("This is no file of STIX 2.1, MISP or FollowTheMoney."))


def _require_lines(addresses: Iterable[str]) -> None:
    """Each is a line of its own, of signs that can be shown again."""
    for address in addresses:
        if len(address.splitlines()) > 1:
            raise CaseworkError(_("An address of this file holds a line break."))
        if any("\ud800" <= sign <= "\udfff" for sign in address):  # half a sign: no UTF-8 has it
            raise CaseworkError(_("An address of this file cannot be read."))


def _refuse_tricks(content: bytes) -> None:
    """No name twice in an object, and nothing that turns the direction of a text (F7)."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise CaseworkError(_("The file is not UTF-8.")) from None
    if any(unicodedata.bidirectional(ch) in HIDDEN for ch in text):
        raise CaseworkError(_("The file hides the direction of a text: it is not taken."))
    try:
        _decode(text)
    except RecursionError:
        raise CaseworkError(_("The file is nested too deeply.")) from None
    except ValueError:  # no JSON: the formats say so themselves
        return


def _decode(text: str) -> None:
    """Read all of it, as one value or as a value a line. Raises ValueError, CaseworkError."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    try:
        decoder.decode(text)
    except json.JSONDecodeError:
        for line in filter(str.strip, text.splitlines()):
            decoder.decode(line)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise CaseworkError(_("The file names a field twice: it is not taken."))
        found[name] = value
    return found
