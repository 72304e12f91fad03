"""The exhibits of a release: those its findings cite, as far as their handling allows.

Each goes out as the bytes that were sealed, with its custody as a chain of its own. What a person
leaves out, and what the source does not allow, stays as a labelled box without title and hash.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _

from cases.dossier import Dossier, DossierExhibit, Redaction
from cases.exports.exhibits import ExhibitLine
from cases.files import FileDamaged, load_bytes
from cases.models import Evidence, Finding, Referral
from cases.models.referrals import TLPS
from cases.policy import Actor
from cases.services.audit import keyed
from cases.services.errors import CaseworkError
from cases.services.evidence import log_custody
from cases.states import EvidenceState
from cases.times import iso

FIELD = "exhibit"
MOST_BYTES = 100 * 1024 * 1024
"""Of all exhibits of one release together: each recipient's package holds them once more."""
STRICTNESS = [value for value, _words in TLPS]
OURS_ALONE = ("AMBER+STRICT", "RED")
# What usually speaks of others or of customers; the form suggests why to leave it out.
SUGGESTED: Mapping[str, str] = {
    "legal_instrument": "irrelevant", "correspondence": "irrelevant",
    "account_snapshot": "personal",
}  # fmt: skip
READABLE = ("text/", "application/json", "message/rfc822")
# Who looked at it, and what went to others, is nothing that a recipient learns.
TOLD = ("acquire", "seal", "verify")


def is_barred(exhibit: Evidence, referral: Referral) -> bool:
    """Whether its source keeps it out of this release, whatever anybody decides.

    TLP:RED and AMBER+STRICT were for this house; nothing leaves under a milder marking than its
    own; H1 goes only where the release says H1 too; H2 and H3 ask for permission or reading first,
    which a redacted copy with its own handling carries.
    """
    return (
        exhibit.state != EvidenceState.SEALED.value
        or exhibit.tlp in OURS_ALONE
        or STRICTNESS.index(exhibit.tlp) > STRICTNESS.index(referral.tlp)
        or exhibit.handling_code not in ("H0", "H1")
        or (exhibit.handling_code == "H1" and referral.handling_code != "H1")
    )


def cited_exhibits(findings: Iterable[Finding]) -> dict[Evidence, tuple[str, ...]]:
    """Each exhibit with the numbers of the findings that cite it, in the order of the case."""
    found: dict[Evidence, list[str]] = {}
    for number, finding in enumerate(findings, 1):
        for exhibit in finding.exhibits.all():
            found.setdefault(exhibit, []).append(f"F{number}")
    return {each: tuple(found[each]) for each in sorted(found, key=lambda row: int(row.number))}


def exhibits_behind(referral: Referral, findings: Sequence[Finding]) -> list[DossierExhibit]:
    """The exhibits as this recipient reads of them, numbered anew: no query of its own."""
    told = []
    for number, (exhibit, cited) in enumerate(cited_exhibits(findings).items(), 1):
        code = referral.redactions.get(f"{exhibit.exhibit_no}.{FIELD}", "")
        code = "handling" if is_barred(exhibit, referral) else code
        ending = exhibit.original_name.rpartition(".")[2].lower()
        told.append(
            DossierExhibit(
                number=f"X{number}",
                findings=cited,
                kind=exhibit.get_kind_display(),
                title=Redaction(code) if code else exhibit.title,
                source="" if code else exhibit.source,
                grading=exhibit.source_grade + exhibit.information_grade,
                tlp=exhibit.tlp,
                handling_code=exhibit.handling_code,
                acquired_at=iso(exhibit.acquired_at) or "",
                name="" if code else f"exhibit-X{number}.{ending}",
                mime="" if code else exhibit.mime,
                size=0 if code else exhibit.size,
                sha256="" if code else exhibit.sha256,
            )
        )
    return told


def exhibit_files(dossier: Dossier) -> dict[str, bytes]:
    """The bytes of every exhibit that goes out, by the name that the dossier gives.

    Raises CaseworkError where one is damaged, or all of them are too large.
    """
    try:
        return {each.name: load_bytes(each.sha256) for each in _going(dossier)}
    except FileDamaged as error:
        raise CaseworkError(_("The stored file of an exhibit is damaged: verify it.")) from error


def readable_exhibits(dossier: Dossier) -> list[str]:
    """The SHA-256 of those that are plain text, to be searched for what must not leave the house.

    Raises CaseworkError where all exhibits together are too large.
    """
    return [each.sha256 for each in _going(dossier) if each.mime.startswith(READABLE)]


def _going(dossier: Dossier) -> list[DossierExhibit]:
    going = [each for each in dossier.exhibits if each.name]
    if sum(each.size for each in going) > MOST_BYTES:
        raise CaseworkError(_("The exhibits are larger than 100 MB together: leave some out."))
    return going


def hand_out_exhibits(
    referral: Referral, dossier: Dossier, *, by: Actor
) -> dict[str, list[ExhibitLine]]:
    """Write into each exhibit's custody that it goes out in this release; its log as it is told.

    In the caller's transaction with the case locked: 4 queries for each exhibit.
    """
    assert dossier.seal is not None
    going = {each.sha256: each.number for each in dossier.exhibits if each.name}
    told = {}
    for exhibit in referral.case.evidence.filter(sha256__in=going).order_by("number"):
        last = log_custody(exhibit, "export", dossier.seal.number, exhibit.sha256, by=by)
        events = exhibit.custody.select_related("actor").order_by("seq")
        told[going[exhibit.sha256]] = [
            ExhibitLine(
                at=iso(event.at),
                step=event.action,
                office=event.actor.role if event.actor else "system",
                file_sha256=event.file_sha256,
                audit_mark=keyed(f"custody:{referral.public_id}:{event.hash}"),
            )
            for event in events
            if event.action in TOLD or event.pk == last.pk
        ]
    return told
