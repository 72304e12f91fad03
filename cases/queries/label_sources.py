"""What labels there are now, of which version, and what came of fetching them."""

from dataclasses import dataclass

from cases.models import LabelSource
from tracing import reads
from tracing.reads import PackView, TagSetView


@dataclass(frozen=True)
class LabelsView:
    """Packs that count now, versions of the whole, sources with their last result."""

    packs: list[PackView]
    lists: tuple[tuple[str, str], ...]
    tag_sets: list[TagSetView]
    sources: list[LabelSource]

    @property
    def tag_set(self) -> TagSetView | None:
        """The version that counts now: what changes the labels writes it down."""
        return self.tag_sets[0] if self.tag_sets else None


def labels_view() -> LabelsView:
    """All of it: 3 queries. Labels belong to no case: everybody who works on cases sees them."""
    tag_sets = reads.newest_tag_sets()
    return LabelsView(
        packs=reads.tag_packs(),
        lists=tag_sets[0].lists if tag_sets else (),
        tag_sets=tag_sets,
        sources=list(LabelSource.objects.order_by("name")),
    )
