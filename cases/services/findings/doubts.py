"""What speaks against the names that a finding rests on: tags of one source, and of several."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from tracing import reads

MOST_NAMED = 3


def tag_doubts(ledger: str, addresses: Iterable[str]) -> list[tuple[str, str]]:
    """(kind, sentence) of counter-evidence about the tags of these addresses: at most 6 queries.

    A name that one source alone gives, and names that disagree. What nobody tagged says nothing.
    """
    told = reads.tags_of(ledger, addresses)
    alone: dict[str, set[str]] = {}
    torn: list[str] = []
    for address in sorted(told):
        tags = (*told[address].direct, *told[address].inherited)
        sources = {tag.pack or tag.creator or tag.source for tag in tags}
        if told[address].conflict:
            torn.append(_names(tag.label for tag in told[address].conflict))
        elif len(sources) == 1:
            alone.setdefault(sources.pop(), set()).update(tag.label for tag in tags)
    found = [
        (
            "single_tag",
            _("That these are addresses of %(names)s is said by one source alone: %(source)s.")
            % {"names": _names(names), "source": source},
        )
        for source, names in sorted(alone.items())
    ]
    if torn:
        found.append(
            (
                "tag_conflict",
                _("Whose %(number)d of the addresses are is in dispute: %(names)s.")
                % {"number": len(torn), "names": "; ".join(sorted(set(torn))[:MOST_NAMED])},
            )
        )
    return found


def _names(labels: Iterable[str]) -> str:
    names = sorted(set(labels))
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")
