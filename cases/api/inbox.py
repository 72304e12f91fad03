"""The inbox: what waits for the person, nearest deadline first."""

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route, writing
from cases.api.fields import Body, CaseName, Moment, Nothing, PersonAnswer
from cases.api.named import Person
from cases.policy import Actor
from cases.queries import inbox as queries
from cases.services.inbox import assign_row, snooze_row, take_waiting


class InboxRowAnswer(serializers.Serializer):
    """One thing that waits; `kind` and `subject` name it when it is taken."""

    kind = serializers.CharField()
    subject = serializers.UUIDField()
    words = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    case = CaseName(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    deadline = serializers.DateTimeField(allow_null=True)
    owner = PersonAnswer(allow_null=True)
    can_take = serializers.BooleanField()


class Inbox(Door):
    calls = {
        "GET": Call(_("Everything that waits for you"), InboxRowAnswer, many=True),
    }

    def get(self, request: Request) -> Response:
        return self.tell(queries.inbox(self.actor))


class TakenAnswer(serializers.Serializer):
    """Which row it was."""

    kind = serializers.CharField()
    subject = serializers.UUIDField()


class SnoozeBody(Body):
    """Until when the row stays out of the own inbox: before its deadline, at most 30 days."""

    until = Moment()


class AssignBody(Body):
    """Who gets the row."""

    user = Person()


class OfARow(Door):
    """Finds the row in the caller's inbox, with those put off, and does one thing with it."""

    def act(self, kind: str, subject: UUID, do: Callable[..., object]) -> HttpResponse:
        rows = queries.inbox(self.actor, kind, is_whole=True) if kind in queries.KINDS else []
        found = next((row for row in rows if row.subject == subject), None)
        if found is None or (found.case is None and kind not in ("alert", "request")):
            raise Http404

        def write(**values: object) -> dict[str, object]:
            do(found, **values, by=self.actor)
            return {"kind": kind, "subject": subject}

        return self.once(write, fresh=False)


class TakeRow(OfARow):
    calls = {"POST": writing(_("Take a row of the inbox"), TakenAnswer, Nothing)}

    def post(self, request: Request, kind: str, subject: UUID) -> HttpResponse:
        return self.act(kind, subject, take_waiting)


class SnoozeRow(OfARow):
    calls = {"POST": writing(_("Put a row off until a time"), TakenAnswer, SnoozeBody)}

    def post(self, request: Request, kind: str, subject: UUID) -> HttpResponse:
        return self.act(kind, subject, snooze_row)


class AssignRow(OfARow):
    calls = {"POST": writing(_("Give a row to a person"), TakenAnswer, AssignBody)}

    def post(self, request: Request, kind: str, subject: UUID) -> HttpResponse:
        def give(row: queries.InboxRow, *, user: int, by: Actor) -> None:
            assign_row(row, user, by=by)

        return self.act(kind, subject, give)


urlpatterns = [
    route("inbox", Inbox, "inbox"),
    route("inbox/<slug:kind>/<uuid:subject>/take", TakeRow, "inbox_take"),
    route("inbox/<slug:kind>/<uuid:subject>/snooze", SnoozeRow, "inbox_snooze"),
    route("inbox/<slug:kind>/<uuid:subject>/assign", AssignRow, "inbox_assign"),
]
