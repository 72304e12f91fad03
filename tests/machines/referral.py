"""A referral: written, redacted, approved, cleared, sealed, sent, acknowledged, recalled."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from cases.models import Referral, SharedRelease, ShareGrant
from cases.policy import Actor
from cases.services.liaison import acknowledge_release
from cases.services.referrals import (
    approve_referral,
    clear_referral,
    draft_referral,
    edit_referral,
    package_referral,
    recall_referral,
    redact_referral,
    return_referral,
    send_referral,
)
from tests.casework import (
    make_actor,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    person,
)
from tests.machines.walk import (
    COMPLIANCE,
    OTHERS,
    SENIORS,
    WORKERS,
    Try,
    Walk,
    cast,
    grounds,
    is_one_of,
    old_factor,
    same,
)
from tests.officer_desk import make_officer

OFFICERS = ("lia", "lou")  # of the agency that it goes to; "out" is of another one
WAITING = ("redaction", "approved", "cleared")
OUT = ("packaged", "sent", "acknowledged")


class ReferralWalk(Walk):
    table = "cases_referral"
    moves = {
        ("edit", "draft"), ("redact", "draft"), ("return", "redaction"), ("return", "approved"),
        ("return", "cleared"), ("approve", "redaction"), ("clear", "approved"),
        ("package", "cleared"), ("send", "packaged"), ("acknowledge", "sent"),
        ("acknowledge", "acknowledged"), ("recall", "packaged"), ("recall", "acknowledged"),
    }  # fmt: skip
    refusals = {
        ("edit", "version"), ("edit", "state"), ("redact", "state"), ("return", "state"),
        ("approve", "person: edited"), ("approve", "factor"), ("approve", "content"),
        ("approve", "analyst"), ("approve", "state"), ("clear", "supervisor"),
        ("clear", "factor"), ("clear", "content"), ("package", "state"), ("package", "analyst"),
        ("send", "factor"), ("send", "rule: agency"), ("send", "state"),
        ("recall", "supervisor"), ("recall", "state"), ("acknowledge", "missing"),
        ("acknowledge", "state"),
    }  # fmt: skip
    ends = ("recall", "return")

    @classmethod
    def prepare(cls) -> None:
        cls.agency = make_agency()
        officers = {name: make_actor(make_officer(agency=cls.agency)) for name in OFFICERS}
        cls.people = cast(**officers, out=person("liaison"))
        make_asset()
        cls.case_row = make_case(cls.people["ana"])
        cls.finding = make_approved_finding(cls.case_row, cls.people["ana"], cls.people["sue"])

    def begin(self, choice: int) -> None:
        self.drafted = self.edited = WORKERS[choice % 3 * 2]
        self.has_gateway = choice % 6 != 5
        self.state, self.version = "draft", 1
        self.approved = self.cleared = ""
        self.signed: set[tuple[str, int]] = set()
        self.open_to: set[str] = set()
        self.acknowledged: set[str] = set()
        self.row = draft_referral(
            self.case_row, agency_id=self.agency.pk, kind="spontaneous", subject="Proceeds",
            summary="S.", purpose="P.", legal_gateway="Art. 1" if self.has_gateway else "",
            caveats="", tlp="AMBER", handling_code="H1", findings=[self.finding], freezes=[],
            by=self.people[self.drafted],
        )  # fmt: skip

    def tries(self) -> Iterator[Try]:
        for who in (*WORKERS, *OTHERS, "lia"):
            yield from self._writing(who)
            yield from self._deciding(who)
        for who in (*OFFICERS, "out", "ana"):
            yield Try("acknowledge", who, moves=self.state == "sent", grounds=grounds(
                (who == "ana" or who not in self.open_to, "missing"),
                (who in self.open_to and who in self.acknowledged, "state"),
            ))  # fmt: skip

    def _writing(self, who: str) -> Iterator[Try]:
        worker, late = (who not in WORKERS, "role"), (self.state != "draft", "state")
        yield Try("edit", who, grounds=grounds(worker, late), moves=False)
        if self.state == "draft":
            why = grounds(worker, (True, "version"))
            yield Try("edit", who, "old version", why, moves=False)
        yield Try("redact", who, grounds=grounds(worker, late))
        yield Try("return", who, grounds=grounds(
            (who not in SENIORS, "role"), (self.state not in WAITING, "state"),
        ))  # fmt: skip

    def _deciding(self, who: str) -> Iterator[Try]:
        first = is_one_of(who, drafted=self.drafted, edited=self.edited)
        for what, roles, wanted in (
            ("approve", SENIORS, "redaction"),
            ("clear", COMPLIANCE, "approved"),
        ):
            why = (
                (who not in roles, "role"), first, (self.state != wanted, "state"),
                (what == "clear" and not self.has_gateway, "rule: no gateway"),
            )  # fmt: skip
            yield Try(what, who, grounds=grounds(*why))
            yield Try(what, who, "old factor", grounds(*why, (True, "factor")))
            if self.state == wanted:
                yield Try(what, who, "old content", grounds(*why, (True, "content")))
        senior = (who not in SENIORS, "role")
        yield Try("package", who, grounds=grounds(senior, (self.state != "cleared", "state")))
        sending = (senior, (self.state != "packaged", "state"))
        yield Try("send", who, grounds=grounds(*sending))
        yield Try("send", who, "old factor", grounds(*sending, (True, "factor")))
        yield Try("send", who, "to another agency", grounds(*sending, (True, "rule: agency")))
        yield Try("recall", who, grounds=grounds(
            (who not in COMPLIANCE, "role"), first, (self.state not in OUT, "state"),
        ))  # fmt: skip

    def call(self, a: Try) -> None:
        row, by = Referral.objects.get(pk=self.row.pk), self.people[a.who]
        by = old_factor(by) if a.how == "old factor" else by
        if a.what == "edit":
            version = row.version - (a.how == "old version")
            edit_referral(row, version=version, by=by, subject=f"Proceeds {row.version}")
        elif a.what == "redact":
            redact_referral(row, redactions={}, by=by)
        elif a.what in ("approve", "clear"):
            decide = approve_referral if a.what == "approve" else clear_referral
            shown = "0" * 64 if a.how == "old content" else row.content_hash
            decide(row, content_hash=shown, reason="Y.", by=by)
        elif a.what == "package":
            package_referral(row, by=by)
        elif a.what == "send":
            self._send(row, a.how, by)
        elif a.what == "acknowledge":
            release = SharedRelease.objects.filter(referral=row).first()
            acknowledge_release(release.public_id if release else row.public_id, by=by)
        else:
            decide = {"return": return_referral, "recall": recall_referral}[a.what]
            decide(row, reason="So it is.", by=by)

    def _send(self, row: Referral, how: str, by: Actor) -> None:
        officers = ("lia", "out") if how == "to another agency" else OFFICERS
        send_referral(
            row, liaison_ids=[self.people[each].person for each in officers],
            expires_at=timezone.now() + timedelta(days=30), by=by,
        )  # fmt: skip

    def note(self, a: Try) -> None:
        if a.what in ("edit", "redact"):
            self.edited, self.version = a.who, self.version + 1
            self.state = "redaction" if a.what == "redact" else self.state
        elif a.what == "return":
            self.state, self.version = "draft", self.version + 1
            self.approved = self.cleared = ""
        elif a.what == "approve":
            self.state, self.approved = "approved", a.who
        elif a.what == "clear":
            self.state, self.cleared = "cleared", a.who
        elif a.what == "package":
            self.state = "packaged"
        elif a.what == "send":
            self.state, self.open_to = "sent", set(OFFICERS)
        elif a.what == "acknowledge":
            self.acknowledged.add(a.who)
            self.state = "acknowledged"
        else:
            self.state = "recalled"
            self.open_to = set()

    def compare(self) -> None:
        row = Referral.objects.get(pk=self.row.pk)
        number = {name: each.user_id for name, each in self.people.items()} | {"": None}
        same(
            (row.state, row.version, row.last_edited_by_id, row.approved_by_id, row.cleared_by_id),
            (
                self.state, self.version,
                number[self.edited], number[self.approved], number[self.cleared],
            ),
            "referral",
        )  # fmt: skip
        for who in (*OFFICERS, "out"):
            mine = ShareGrant.objects.visible_to(self.people[who]).filter(release__referral=row)
            same(mine.exists(), who in self.open_to, f"open to {who}")
        grants = ShareGrant.objects.filter(release__referral=row, revoked_at=None)
        same(grants.count(), len(self.open_to), "grants")
