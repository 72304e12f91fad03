"""What a superseding release says otherwise, in words and without a gap."""

from dataclasses import replace

from cases.dossier import DossierTag, Redaction
from cases.dossier_difference import difference
from tests.unit.exports.test_exports import ADDRESS, DOSSIER

TAG = DossierTag(
    wallet="W1", address=ADDRESS, label="Harbour", category="exchange", confidence="heuristic",
    level=3, source="https://one.example", pack="one", pack_sha256="0" * 64, licence="CC0",
    changed_on="",
)  # fmt: skip


def told(before: object, after: object) -> list[tuple[str, object, object]]:
    return [(each.field, each.before, each.after) for each in difference(before, after)]  # type: ignore[arg-type]


def test_names_are_told_as_words_and_those_left_out_as_such() -> None:
    suspect = replace(DOSSIER.suspects[0], names=("Ann Example", "Annie"), standing="Subject")
    before = replace(DOSSIER, suspects=())
    assert told(before, replace(DOSSIER, suspects=(suspect,))) == [
        ("names", "", "Ann Example, Annie: Subject")
    ]
    hidden = replace(suspect, names=Redaction("personal"))
    assert told(before, replace(DOSSIER, suspects=(hidden,))) == [
        ("names", "", "[left out: personal]: Subject")
    ]


def test_a_change_of_one_of_two_rows_of_the_same_name_is_told() -> None:
    other = replace(TAG, label="Mixer", source="https://two.example")
    first = replace(DOSSIER.freezes[0], lines=())
    second = replace(first, number="Z2", state="released")
    before = replace(DOSSIER, tags=(TAG, other), freezes=(first, second))
    after = replace(
        DOSSIER, tags=(other,), freezes=(replace(first, state="released"), second)
    )  # fmt: skip
    assert [field for field, _before, _after in told(before, after)] == ["held", "tag"]
    assert told(before, replace(before, tags=(other, TAG))) == []
