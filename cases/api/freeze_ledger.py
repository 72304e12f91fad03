"""A freeze that stands: extensions and releases, each decided by a second person."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import BaseUnits, Body, Decision, Moment, PersonAnswer, Reason, Row, Text
from cases.api.freezes import one_freeze
from cases.api.named import UNKNOWN, Visible
from cases.models import FreezeExtension, FreezeRelease, FreezeReleaseLine, LegalInstrument
from cases.models.freezes import LEGAL_BASES
from cases.policy import Actor
from cases.queries.freeze_register import register
from cases.services import freezes as services
from cases.states import ExtensionState, FreezeReleaseState

AROUND = ("freeze__case", "instrument", "requested_by", "decided_by")


def extensions(actor: Actor) -> QuerySet[FreezeExtension]:
    """Longer holds that the actor may see, with what is told of each."""
    return FreezeExtension.objects.visible_to(actor).select_related(*AROUND)


def releases(actor: Actor) -> QuerySet[FreezeRelease]:
    """Releases of freezes that the actor may see, with what is told of each."""
    rows = FreezeRelease.objects.visible_to(actor).select_related(*AROUND)
    return rows.prefetch_related("lines__line__asset")


def one_extension(actor: Actor, extension_id: UUID) -> FreezeExtension:
    """The extension if the person may see its case. Raises Http404."""
    found: FreezeExtension = one(extensions(actor), public_id=extension_id)
    return found


def one_release(actor: Actor, freeze_release_id: UUID) -> FreezeRelease:
    """The release of a freeze if the person may see its case. Raises Http404."""
    found: FreezeRelease = one(releases(actor), public_id=freeze_release_id)
    return found


class TotalAnswer(serializers.Serializer):
    """Lines of one group; money at execution, what is held of it, and that at the latest price."""

    name = serializers.CharField()
    num_lines = serializers.IntegerField()
    executed = serializers.DecimalField(max_digits=30, decimal_places=2)
    held = serializers.DecimalField(max_digits=30, decimal_places=2)
    now = serializers.DecimalField(max_digits=30, decimal_places=2)
    unpriced = serializers.IntegerField()


class TotalsAnswer(serializers.Serializer):
    """Every executed line summed five times over; each set comes to the same."""

    operation = TotalAnswer(many=True)
    case = TotalAnswer(many=True)
    authority = TotalAnswer(many=True)
    asset = TotalAnswer(many=True)
    account = TotalAnswer(many=True)


class FreezeTotals(Door):
    calls = {
        "GET": Call(
            _("What was frozen, by operation, case, authority, asset and account"), TotalsAnswer
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        return self.tell(register(self.actor).totals)


class ExtensionAnswer(Row):
    """A longer hold: asked by one person, decided by another."""

    id = serializers.UUIDField(source="public_id")
    freeze = serializers.UUIDField(source="freeze.public_id")
    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ExtensionState])
    requested_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = FreezeExtension
        fields = [
            "id", "reference", "freeze", "basis", "until", "reason", "state", "requested_by",
            "requested_at", "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class ReleaseLineAnswer(Row):
    """How much of one line is to be released, in base units of its asset."""

    line = serializers.UUIDField(source="line.public_id")
    asset = serializers.CharField(source="line.asset_id")
    decimals = serializers.IntegerField(source="line.asset.decimals")

    class Meta:
        model = FreezeReleaseLine
        fields = ["line", "asset", "decimals", "amount"]


class FreezeReleaseAnswer(Row):
    """The end of a hold, whole or in part."""

    id = serializers.UUIDField(source="public_id")
    freeze = serializers.UUIDField(source="freeze.public_id")
    reference = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in FreezeReleaseState])
    lines = ReleaseLineAnswer(many=True)
    requested_by = PersonAnswer()
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = FreezeRelease
        fields = [
            "id", "reference", "freeze", "lines", "reason", "state", "requested_by",
            "requested_at", "decided_by", "decided_at", "content_hash",
        ]  # fmt: skip


class NewExtensionBody(Body):
    """A longer hold: on which basis and until when."""

    basis = serializers.ChoiceField(choices=LEGAL_BASES)
    until = Moment()
    reason = Text()
    instrument = Visible(LegalInstrument, required=False)


class ReleaseLineBody(Body):
    """A line of the freeze and how much of it."""

    line = serializers.UUIDField()
    amount = BaseUnits()


class NewReleaseBody(Body):
    """What is to be released, line by line."""

    lines = ReleaseLineBody(many=True, min_length=1, max_length=200)
    reason = Text()
    instrument = Visible(LegalInstrument, required=False)


class Extensions(Door):
    calls = {
        "GET": Call(_("Extensions of a freeze, newest first"), ExtensionAnswer, is_page=True),
        "POST": making(_("Ask for a longer hold"), ExtensionAnswer, NewExtensionBody),
    }

    def get(self, request: Request, freeze_id: UUID) -> Response:
        freeze = one_freeze(self.actor, freeze_id)
        return self.page(extensions(self.actor).filter(freeze=freeze), "requested_at")

    def post(self, request: Request, freeze_id: UUID) -> HttpResponse:
        freeze = one_freeze(self.actor, freeze_id)

        def do(*, instrument: Any = None, **values: Any) -> FreezeExtension:
            return services.request_extension(
                freeze, instrument_id=instrument.pk if instrument else None, **values,
                by=self.actor,
            )  # fmt: skip

        return self.once(do)


class Releases(Door):
    calls = {
        "GET": Call(_("Releases of a freeze, newest first"), FreezeReleaseAnswer, is_page=True),
        "POST": making(_("Ask for the release of a hold"), FreezeReleaseAnswer, NewReleaseBody),
    }

    def get(self, request: Request, freeze_id: UUID) -> Response:
        freeze = one_freeze(self.actor, freeze_id)
        return self.page(releases(self.actor).filter(freeze=freeze), "requested_at")

    def post(self, request: Request, freeze_id: UUID) -> HttpResponse:
        freeze = one_freeze(self.actor, freeze_id)

        def do(*, lines: list[dict[str, Any]], reason: str, instrument: Any = None) -> Any:
            numbers = {line.public_id: line.pk for line in freeze.lines.all()}
            if any(each["line"] not in numbers for each in lines):
                raise exceptions.ValidationError({"lines": [UNKNOWN]})
            amounts = {numbers[each["line"]]: each["amount"] for each in lines}
            return services.request_release(
                freeze, amounts=amounts, reason=reason,
                instrument_id=instrument.pk if instrument else None, by=self.actor,
            )  # fmt: skip

        return self.once(do)


EXTENSION, RELEASE = (
    "freeze-extensions/<uuid:extension_id>",
    ("freeze-releases/<uuid:freeze_release_id>"),
)
urlpatterns = [
    route("freeze-totals", FreezeTotals, "freeze_totals"),
    route("freezes/<uuid:freeze_id>/extensions", Extensions, "extension_request"),
    route("freezes/<uuid:freeze_id>/releases", Releases, "freeze_release_request"),
    route(
        EXTENSION, One, "extension_detail", find=one_extension,
        calls={"GET": Call(_("One extension of a freeze"), ExtensionAnswer)},
    ),
    route(
        RELEASE, One, "freeze_release_detail", find=one_release,
        calls={"GET": Call(_("One release of a freeze"), FreezeReleaseAnswer)},
    ),
    *(
        route(
            f"{EXTENSION}/{name}", Step, f"extension_{name}", find=one_extension,
            service=service, calls={"POST": writing(words, ExtensionAnswer, body)},
        )
        for name, service, body, words in (
            ("approve", services.approve_extension, Decision,
             _("Approve a longer hold as a second person; asks for step-up")),
            ("reject", services.reject_extension, Reason, _("Reject a longer hold")),
        )
    ),
    *(
        route(
            f"{RELEASE}/{name}", Step, f"freeze_release_{name}", find=one_release,
            service=service, calls={"POST": writing(words, FreezeReleaseAnswer, body)},
        )
        for name, service, body, words in (
            ("approve", services.approve_release, Decision,
             _("Approve a release as a second person; asks for step-up")),
            ("reject", services.reject_release, Reason, _("Reject a release")),
        )
    ),
]  # fmt: skip
