"""Who a suspect is: others with names alike, links between suspects, and their decisions."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, FilterSet, UUIDFilter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, One, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, PersonAnswer, Reason, Row, Text
from cases.api.named import Visible
from cases.api.suspects import NameAnswer, one_suspect, shown_suspect
from cases.models import IdentityLink, Suspect
from cases.models.identities import INFORMATION_GRADES, SOURCE_GRADES
from cases.policy import Actor
from cases.queries import identities as queries
from cases.services import identities as services
from cases.services.reads import BY_PROGRAM, keep_case_look
from cases.services.self_lookups import watch_suspects
from cases.states import IdentityState

STATES = [(state.value, state.value) for state in IdentityState]


def one_link(actor: Actor, link_id: UUID) -> IdentityLink:
    """The link if the person may see both cases. Raises Http404."""
    found: IdentityLink = one(
        queries.visible_links(actor).select_related("case"), public_id=link_id
    )
    return found


class NamedSuspectAnswer(Row):
    """A suspect by reference and names."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    names = NameAnswer(many=True)

    class Meta:
        model = Suspect
        fields = ["id", "reference", "case", "names", "birth_year"]


class NameMatchAnswer(serializers.Serializer):
    """Which two names are alike, by what rule, and how much, 0 to 100."""

    score = serializers.IntegerField()
    basis = serializers.CharField()
    first = serializers.CharField()
    last = serializers.CharField()
    years_differ = serializers.BooleanField()


class ProposalAnswer(serializers.Serializer):
    """Another suspect with a name alike; weak where the years of birth differ."""

    suspect = NamedSuspectAnswer()
    match = NameMatchAnswer()
    is_weak = serializers.BooleanField()


class IdentityLinkAnswer(Row):
    """Two suspects said to be one, what it rests on and where it stands; `match` may be empty."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    suspect = serializers.UUIDField(source="suspect.public_id")
    other = serializers.UUIDField(source="other.public_id")
    match = serializers.DictField()
    state = serializers.ChoiceField(choices=STATES)
    asserted_by = PersonAnswer()
    reviewed_by = PersonAnswer(allow_null=True)
    decided_by = PersonAnswer(allow_null=True)

    class Meta:
        model = IdentityLink
        fields = [
            "id", "case", "suspect", "other", "claim", "basis", "match", "source_grade",
            "information_grade", "confidence", "state", "asserted_by", "asserted_at",
            "reviewed_by", "decided_by", "decided_at", "decision",
        ]  # fmt: skip


class IdentityAnswer(serializers.Serializer):
    """Links of a suspect, those who count as the same by confirmed links, and proposals."""

    links = IdentityLinkAnswer(many=True)
    same = NamedSuspectAnswer(many=True)
    proposals = ProposalAnswer(many=True)


class NewIdentityBody(Body):
    """That a suspect is the one named by `other`, graded by the European 4x4."""

    other = Visible(Suspect)
    basis = Text(max_length=500)
    source_grade = serializers.ChoiceField(choices=SOURCE_GRADES)
    information_grade = serializers.ChoiceField(choices=INFORMATION_GRADES)
    confidence = serializers.IntegerField(min_value=0, max_value=100)


class IdentityFilter(FilterSet):
    """The list of links."""

    case = UUIDFilter(field_name="case__public_id")
    state = ChoiceFilter(choices=STATES)


class Identities(Door):
    calls = {
        "GET": Call(
            _("Links between suspects of whom you may see both, newest first"), IdentityLinkAnswer,
            filters=IdentityFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = queries.visible_links(self.actor).select_related("case")
        return self.page(rows, "asserted_at")


class SuspectIdentity(Door):
    calls = {
        "GET": Call(
            _("Links of a suspect, who counts as the same, and names alike"), IdentityAnswer
        ),
        "POST": making(
            _("Assert that two suspects are one; others review and decide it"),
            IdentityLinkAnswer, NewIdentityBody,
        ),
    }  # fmt: skip

    def get(self, request: Request, suspect_id: UUID) -> Response:
        suspect = shown_suspect(self.actor, suspect_id)
        found = queries.identity_of(suspect, self.actor)
        others = [*found.same, *(each.suspect for each in found.proposals)]
        watch_suspects(others, by=self.actor, case=suspect.case)
        keep_case_look(
            suspect.case, self.route, by=self.actor, told=suspect.reference, purpose=BY_PROGRAM
        )
        return self.tell(found)

    def post(self, request: Request, suspect_id: UUID) -> HttpResponse:
        suspect = one_suspect(self.actor, suspect_id)

        def do(*, other: Suspect, **values: Any) -> IdentityLink:
            found = queries.identity_of(suspect, self.actor).proposals
            match = next((each.match for each in found if each.suspect.pk == other.pk), None)
            return services.assert_identity(suspect, other, **values, match=match, by=self.actor)

        return self.once(do)


ONE = "identities/<uuid:link_id>"
urlpatterns = [
    route("identities", Identities, "identity_list"),
    route("suspects/<uuid:suspect_id>/identity", SuspectIdentity, "suspect_identity"),
    route(
        ONE, One, "identity_detail", find=one_link,
        calls={"GET": Call(_("One link between suspects"), IdentityLinkAnswer)},
    ),
    *(
        route(
            f"{ONE}/{name}", Step, f"identity_{name}", find=one_link, service=service,
            calls={"POST": writing(words, IdentityLinkAnswer, Reason)},
        )
        for name, service, words in (
            ("review", services.review_identity, _("Say that the basis was looked at")),
            ("confirm", services.confirm_identity, _("Confirm as a senior that both are one")),
            ("refute", services.refute_identity, _("Say that they are two; or take them apart")),
        )
    ),
]  # fmt: skip
