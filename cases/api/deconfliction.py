"""Whether another case touches a wallet's address, and asking its owner; nothing else of it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route, writing
from cases.api.fields import Nothing
from cases.api.wallets import one_wallet
from cases.queries.deconfliction import is_touched_elsewhere
from cases.services.deconfliction import ask_owner
from cases.services.reads import BY_PROGRAM, keep_case_look


class DeconflictionAnswer(serializers.Serializer):
    """Whether a case that you may not see holds the same address."""

    is_touched_elsewhere = serializers.BooleanField()


class Deconfliction(Door):
    calls = {
        "GET": Call(_("Whether another case touches the address"), DeconflictionAnswer),
        "POST": writing(
            _("Ask its owner to get in touch; who that is stays unsaid"), DeconflictionAnswer,
            Nothing,
        ),
    }  # fmt: skip

    def get(self, request: Request, wallet_id: UUID) -> Response:
        wallet = one_wallet(self.actor, wallet_id)
        keep_case_look(wallet.case, self.route, by=self.actor, purpose=BY_PROGRAM)
        return self.tell({"is_touched_elsewhere": is_touched_elsewhere(wallet, self.actor)})

    def post(self, request: Request, wallet_id: UUID) -> HttpResponse:
        wallet = one_wallet(self.actor, wallet_id)

        def do() -> dict[str, Any]:
            ask_owner(wallet, by=self.actor)  # refused where nobody is to be asked
            return {"is_touched_elsewhere": True}

        return self.once(do)


urlpatterns = [
    route("wallets/<uuid:wallet_id>/deconfliction", Deconfliction, "wallet_deconfliction")
]
