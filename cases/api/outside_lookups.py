"""The log of questions to hosts outside, for those who answer for what leaves the house."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, page_asked, route
from cases.policy import Action, Role
from cases.queries.keyset import Page
from tracing import reads


class OutsideLookupAnswer(serializers.Serializer):
    """Who asked which host why; an auditor, who belongs to no case, is told no subject."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    source = serializers.CharField()
    host = serializers.CharField()
    purpose = serializers.CharField()
    subject = serializers.CharField(allow_blank=True)
    by = serializers.CharField()
    num_requests = serializers.IntegerField()
    outcome = serializers.CharField(allow_blank=True)


def is_number(mark: str) -> bool:
    """Whether a mark is the number of a row: this log lies outside casework."""
    return mark.isascii() and mark.isdecimal() and len(mark) < 18


class OutsideLookups(Door):
    rights = (Action.READ_LOOKUPS,)
    calls = {
        "GET": Call(
            _("Questions to hosts outside with their purpose, newest first"), OutsideLookupAnswer,
            is_page=True,
        )
    }  # fmt: skip

    def get(self, request: Request) -> Response:
        after, size = page_asked(request, is_number)
        found = reads.outside_lookups(size + 1, int(after) if after else None)
        rows = found[:size]
        if self.actor.role == Role.AUDITOR:
            rows = [replace(row, subject="") for row in rows]
        mark = str(rows[-1].number) if len(found) > size else ""
        return self.tell_page(Page(rows, mark, not after))


urlpatterns = [route("outside-lookups", OutsideLookups, "outside_lookup_list")]
