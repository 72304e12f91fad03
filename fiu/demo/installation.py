"""What makes an installation a demo: its people, where traces stop by its tag pack, and a mark."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cases.services.attribution import import_tags
from fiu.demo.people import AGENCIES, PEOPLE
from fiu.demo.rows import LEDGER
from fiu.demo.scripts import Scripts
from fiu.models import Agency, User
from tracing import jobs

PACK_SOURCE = "tag pack: Sample pack A"


@dataclass(frozen=True)
class Installed:
    """Which world an installation holds; kept in installation.json beside its files."""

    scale: str
    seed: int
    now: str

    @classmethod
    def read(cls, file: Path) -> "Installed | None":
        """What the mark says; None without one."""
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except FileNotFoundError:
            return None

    def write(self, file: Path) -> None:
        """Set the mark: everything before it is done."""
        file.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


@transaction.atomic
def add_people() -> None:
    """The demo people without passwords, each with a second factor; known ones stay as they are."""
    agencies: dict[str, Agency] = {}
    for each in AGENCIES:
        agencies[each.short_name], _ = Agency.objects.get_or_create(
            short_name=each.short_name,
            defaults={
                "name": each.name, "kind": each.kind, "country": each.country,
                "domain": each.domain,
            },
        )  # fmt: skip
    for person in PEOPLE:
        user = User(
            username=person.username, first_name=person.first_name, last_name=person.last_name,
            role=person.role, title=person.title, email=person.email,
            agency=agencies.get(person.agency), may_view_reports=person.may_view_reports,
            date_joined=timezone.now(),
        )  # fmt: skip
        if User.objects.filter(username=person.username).exists():
            continue
        user.set_unusable_password()
        user.full_clean()
        user.save()
        if not Authenticator.objects.filter(user=user).exists():
            TOTP.activate(user, generate_totp_secret())
            Authenticator.objects.filter(user=user).update(created_at=timezone.now())


def load_packs(folder: Path) -> int:
    """Load the first version of both tag packs; they disagree about Copperdice. How many tags."""
    packs = ("pack_a_v1.yaml", "pack_b_v1.yaml")
    return sum(import_tags(folder / "tagpacks" / name).num_stored for name in packs)


def load_next_pack(folder: Path) -> None:
    """The second version of the first pack: Z is Eastmere's there, no longer Ferryswap's."""
    import_tags(folder / "tagpacks" / "pack_a_v2.yaml")


REPORTING_ENTITY = """# Who reports suspicions: the fields that the receiver's form asks for.
rentity_id: 4711
name: Northquay
code: NORTHQUAY
branch: Head office
country: AE
first_name: Nora
last_name: Sample
"""


def name_reporting_entity() -> None:
    """Who reports to the national FIU, unless the installation says so already."""
    path = Path(settings.REPORTING_ENTITY_FILE)
    if not path.exists():
        path.write_text(REPORTING_ENTITY, encoding="utf-8")


def set_services(seed: int) -> int:
    """Traces stop at the services that the first tag pack names; how many addresses."""
    of = Scripts(seed).address
    named = [(of("eastmere"), "Eastmere"), (of("namewharf"), "Namewharf"), (of("z"), "Ferryswap")]
    named += [(of("ferryswap-order", number), "Ferryswap") for number in range(1, 5)]
    named += [(of("copperdice-hot", number), "Copperdice") for number in range(2)]
    rows = [
        jobs.BoundaryRow(LEDGER, address, jobs.BoundaryKind.SERVICE.value, label)
        for address, label in named
    ]
    return jobs.set_boundaries(PACK_SOURCE, rows)
