"""Watches of the person whose token it is, and what was noticed."""

from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, Step, making, one, route, writing
from cases.api.fields import Body, CaseName, Nothing, Row
from cases.models import Watch, WatchNotice
from cases.models.watches import NOTICE_KINDS, WATCH_KINDS
from cases.policy import Actor
from cases.services.watches import add_watch, read_notice, watched_subject


def one_notice(actor: Actor, notice_id: UUID) -> WatchNotice:
    """A notice of one's own. Raises Http404."""
    rows = WatchNotice.objects.visible_to(actor).select_related("watch__case")
    found: WatchNotice = one(rows, public_id=notice_id)
    return found


class WatchAnswer(Row):
    """What is watched, by the id of the wallet, freeze or trace."""

    id = serializers.UUIDField(source="public_id")
    case = CaseName()
    kind = serializers.ChoiceField(choices=WATCH_KINDS)

    class Meta:
        model = Watch
        fields = ["id", "case", "kind", "subject", "name", "added_at"]


class NoticeAnswer(Row):
    """Something that changed of what is watched."""

    id = serializers.UUIDField(source="public_id")
    watch = WatchAnswer()
    kind = serializers.ChoiceField(choices=NOTICE_KINDS)

    class Meta:
        model = WatchNotice
        fields = ["id", "watch", "kind", "at", "read_at"]


class NewWatchBody(Body):
    """What to watch from now on."""

    kind = serializers.ChoiceField(choices=WATCH_KINDS)
    subject = serializers.UUIDField()


class Watches(Door):
    calls = {
        "GET": Call(_("What you watch, newest first"), WatchAnswer, is_page=True),
        "POST": making(_("Watch a wallet, a freeze or a trace"), WatchAnswer, NewWatchBody),
    }

    def get(self, request: Request) -> Response:
        return self.page(Watch.objects.visible_to(self.actor).select_related("case"), "added_at")

    def post(self, request: Request) -> HttpResponse:
        asked = self.read()
        watched_subject(asked["kind"], asked["subject"], self.actor)  # a replay, too, is for eyes
        return self.once(lambda **values: add_watch(**values, by=self.actor))


class Notices(Door):
    calls = {"GET": Call(_("What changed, newest first"), NoticeAnswer, is_page=True)}

    def get(self, request: Request) -> Response:
        rows = WatchNotice.objects.visible_to(self.actor).select_related("watch__case")
        return self.page(rows, "at")


urlpatterns = [
    route("watches", Watches, "watch_list"),
    route("notices", Notices, "notice_list"),
    route(
        "notices/<uuid:notice_id>/read", Step, "notice_read", find=one_notice, service=read_notice,
        calls={"POST": writing(_("Mark a notice as read"), NoticeAnswer, Nothing)},
    ),
]  # fmt: skip
