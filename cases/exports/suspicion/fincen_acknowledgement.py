"""Reading FinCEN's acknowledgement of a SAR batch: accepted or not, its number, its warnings."""

import re
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

LARGEST: Final = 5_000_000
MOST_ERRORS: Final = 500


class NotAcknowledgement(ValueError):
    """The file is no acknowledgement; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`state` is accepted, accepted_with_warnings or rejected; `number` the receiver's, of one."""

    state: str
    number: str
    errors: tuple[dict[str, str], ...]


_STEP: Final = re.compile(r"(\w+)\[(\d+)\]")
_FIELDS: Final = {
    "ErrorLevelText": "level",
    "ErrorElementNameText": "field",
    "ErrorTypeCode": "code",
    "ErrorText": "text",
    "ErrorContextText": "context",
}


def read_acknowledgement(content: bytes) -> list[Acknowledgement]:
    """One answer an activity, in their order. Raises NotAcknowledgement.

    Without entities, external files and document types. O(file).
    """
    if len(content) > LARGEST:
        raise NotAcknowledgement("The file is larger than an acknowledgement can be.")
    if b"<!DOCTYPE" in content:
        raise NotAcknowledgement("A file with a document type is not read.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise NotAcknowledgement("The file is no XML.") from None
    status = root.get("StatusCode")
    if etree.QName(root).localname != "EFilingBatchXML" or status not in ("A", "R"):
        raise NotAcknowledgement("The file is no acknowledgement of a SAR batch.")
    answers = [_answer(each, status) for each in root.iter("{*}EFilingActivityXML")]
    if not answers:
        raise NotAcknowledgement("The acknowledgement names no report.")
    return answers


def complains_of(answer: Acknowledgement, file: bytes) -> bool:
    """Whether the elements that the answer's errors name are those of the file that was sent.

    FinCEN names an element by its path, each step with its sequence number: `Party[25]`. False
    where nothing is named at all: then nothing says which file the answer is to. O(file).
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    sent = {
        (number, etree.QName(node).localname)
        for node in etree.fromstring(file, parser).iter(etree.Element)
        if (number := node.get("SeqNum")) is not None
    }
    named = {
        (number, name)
        for error in answer.errors
        for name, number in _STEP.findall(error.get("context", ""))
    }
    return bool(named) and named <= sent


def _answer(node: Any, status: str) -> Acknowledgement:
    errors = []
    for each in list(node.iter("{*}EFilingActivityErrorXML"))[:MOST_ERRORS]:
        told = {_FIELDS[etree.QName(part).localname]: (part.text or "").strip()[:500]
                for part in each.iterchildren(etree.Element)
                if etree.QName(part).localname in _FIELDS}  # fmt: skip
        if told:
            errors.append(told)
    number = (node.findtext("{*}BSAID") or "").strip()
    accepted = "accepted_with_warnings" if errors else "accepted"
    state = "rejected" if status == "R" else accepted
    if state != "rejected" and not (number.isdigit() and len(number) == 14):
        raise NotAcknowledgement("The acknowledgement lacks the number of the report.")
    return Acknowledgement(state, number[:14], tuple(errors))
