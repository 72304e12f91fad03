"""The inbox: what waits for the person, nearest deadline first."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route, writing
from cases.api.fields import CaseName, Nothing, PersonAnswer
from cases.models import Alert, InformationRequest
from cases.queries import inbox as queries
from cases.services.alerts import assign_alert
from cases.services.requests import start_verification
from cases.services.tasks import take_row


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
    """What was taken."""

    kind = serializers.CharField()
    subject = serializers.UUIDField()


class TakeRow(Door):
    calls = {"POST": writing(_("Take a row of the inbox"), TakenAnswer, Nothing)}

    def post(self, request: Request, kind: str, subject: UUID) -> HttpResponse:
        rows = queries.inbox(self.actor, kind) if kind in queries.KINDS else []
        row = next((row for row in rows if row.subject == subject), None)
        if row is None:
            raise Http404
        found = row

        def do() -> dict[str, object]:
            # Alerts and requests carry their owner themselves; for the rest a claim says who.
            if kind == "alert":
                alerts = Alert.objects.visible_to(self.actor)
                assign_alert(alerts.get(public_id=subject), by=self.actor)
            elif kind == "request":
                asked = InformationRequest.objects.visible_to(self.actor)
                start_verification(asked.get(public_id=subject), by=self.actor)
            elif found.case is not None:
                take_row(found.case.pk, kind, subject, by=self.actor)
            else:
                raise exceptions.NotFound
            return {"kind": kind, "subject": subject}

        return self.once(do, fresh=False)


urlpatterns = [
    route("inbox", Inbox, "inbox"),
    route("inbox/<slug:kind>/<uuid:subject>/take", TakeRow, "inbox_take"),
]
