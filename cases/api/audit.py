"""The audit trail: rows that the reader may see, and whether the chains hold."""

from django.utils.translation import gettext_lazy as _
from django_filters import CharFilter, DateFilter, FilterSet, UUIDFilter
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.acting import acting_as
from cases.api.door import Call, Door, page_asked, route
from cases.api.fields import PersonAnswer
from cases.api.filters import judged
from cases.models import AuditEvent, Case
from cases.policy import SYSTEM, Action, Role
from cases.queries.audit import AuditFilter, audit_trail
from cases.services.audit import verify_chains
from cases.services.verification import altered_contents

FIRST_YEAR, LAST_YEAR = 1970, 9000


class AuditRowAnswer(serializers.Serializer):
    """One event; a reader of every chain gets neither its reason nor its values."""

    seq = serializers.IntegerField(source="event.seq")
    at = serializers.DateTimeField(source="event.at")
    actor = PersonAnswer(source="event.actor", allow_null=True)
    action = serializers.CharField(source="event.action")
    object = serializers.CharField()
    case = serializers.UUIDField(source="case_id", allow_null=True)
    case_reference = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    data = serializers.CharField(allow_blank=True)
    is_withheld = serializers.BooleanField()
    hash = serializers.CharField(source="event.hash")
    prev_hash = serializers.CharField(source="event.prev_hash", allow_blank=True)


class AuditRowFilter(FilterSet):
    """The audit trail."""

    case = CharFilter(max_length=20, help_text=_("Its reference."))
    actor = UUIDFilter()
    action = CharFilter(max_length=40)
    since = DateFilter(help_text=_("First day, UTC."))
    until = DateFilter(help_text=_("Last day, UTC."))


class AuditRows(Door):
    rights = (Action.READ_AUDIT, Action.VERIFY_AUDIT)
    calls = {
        "GET": Call(
            _("Events you may see, newest first"), AuditRowAnswer,
            filters=AuditRowFilter, is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        rows = AuditEvent.objects.visible_to(self.actor).none()
        values = judged(AuditRowFilter, request, rows).form.cleaned_data
        for name in ("since", "until"):
            if values[name] and not FIRST_YEAR <= values[name].year <= LAST_YEAR:
                raise exceptions.ValidationError({name: [_("This day is out of range.")]})
        after, size = page_asked(request)
        wanted = AuditFilter(
            case=values["case"], actor=values["actor"], action=values["action"],
            since=values["since"], until=values["until"],
        )  # fmt: skip
        return self.tell_page(audit_trail(self.actor, wanted, after, size).page)


class BreakAnswer(serializers.Serializer):
    """The first place where a chain does not hold; unnamed in a case one may not see."""

    case = serializers.CharField(allow_blank=True)
    seq = serializers.IntegerField()
    reason = serializers.CharField(allow_blank=True)


class VerifyAnswer(serializers.Serializer):
    """Whether every chain and every approved content still holds."""

    holds = serializers.BooleanField()
    breaks = BreakAnswer(many=True)


class VerifyAudit(Door):
    rights = (Action.VERIFY_AUDIT,)
    calls = {"POST": Call(_("Recompute every chain now; nothing is written"), VerifyAnswer)}

    def post(self, request: Request) -> Response:
        with acting_as(SYSTEM):  # every chain, whoever asks
            breaks = verify_chains().breaks + altered_contents()
        sees_all = self.actor.role in (Role.AUDITOR, Role.ADMIN)
        names = {each.case for each in breaks}
        visible = Case.objects.visible_to(self.actor).filter(reference__in=names)
        known = set(visible.values_list("reference", flat=True))
        told = [
            {"case": each.case, "seq": each.seq, "reason": each.reason}
            if sees_all or each.case in known or not each.case
            else {"case": "?", "seq": 0, "reason": ""}
            for each in breaks
        ]
        return self.tell({"holds": not breaks, "breaks": told})


urlpatterns = [
    route("audit", AuditRows, "audit_list"),
    route("audit/verify", VerifyAudit, "audit_verify"),
]
