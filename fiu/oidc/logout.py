"""Back-channel logout: the provider says that a session there ended, and ours end with it.

Source: OpenID Connect Back-Channel Logout 1.0. The provider itself asks, without a browser: nothing
of the request counts but the token's signature.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import requests
import structlog
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cases.policy import SYSTEM
from cases.services.audit import record_event
from fiu.oidc.adapter import Refused, is_away, origin_of
from fiu.oidc.claims import TokenRefused, read_logout_token
from fiu.oidc.factor import ORIGIN_KEY
from fiu.oidc.views import UNREADABLE, House

logger = structlog.get_logger(__name__)

KEYS = "oidc-logout-keys"
SECONDS_KEYS_ARE_KEPT = 60
LONGEST_TOKEN = 16_384


@csrf_exempt  # no browser sends it; the token is signed
@require_POST
def end_outside(request: HttpRequest) -> HttpResponse:
    """200 when no session that the token names is left, 400 for everything else."""
    token = request.POST.get("logout_token", "")
    try:
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise TokenRefused("missing")
        claims = read_logout_token(
            token,
            keys=_keys(request),
            issuer=settings.OIDC_ISSUER,
            client_id=settings.OIDC_CLIENT_ID,
        )
    except requests.RequestException as error:
        return _refused("away" if is_away(error) else "answer")
    except (TokenRefused, Refused) as error:
        return _refused(str(error))
    except UNREADABLE:
        return _refused("answer")
    end_sessions_there(origin_of(claims))
    return HttpResponse()


@transaction.atomic
def end_sessions_there(ended: Mapping[str, str]) -> int:
    """End the sessions that began by that session there, or by that subject; how many there were.

    `ended` holds hashes as sessions do (`origin_of`); all it names must be the same. A sign-in
    whose second step is still to come ends as well. Cost: one pass over the sessions that have not
    run out.
    """
    found: dict[str | None, list[str]] = {}
    for each in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        content = each.get_decoded()
        if ended.items() <= content.get(ORIGIN_KEY, {}).items():
            found.setdefault(content.get("_auth_user_id"), []).append(each.pk)
    for person, keys in found.items():
        Session.objects.filter(pk__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
        if person is not None:
            record_event(
                None, "end_sessions", f"user:{person}", by=SYSTEM,
                reason=_("Signed out at the organisation's provider."),
                data={"num_sessions": len(keys)},
            )  # fmt: skip
    return sum(map(len, found.values()))


def _keys(request: HttpRequest) -> Sequence[Mapping[str, Any]]:
    """The provider's keys, a minute old at most: who asks here must not make us ask there."""
    keys: Sequence[Mapping[str, Any]] | None = caches["nearby"].get(KEYS)
    if keys is None:
        keys = House(request).published_keys()
        caches["nearby"].set(KEYS, keys, SECONDS_KEYS_ARE_KEPT)
    return keys


def _refused(reason: str) -> HttpResponse:
    logger.warning("outside_logout_refused", reason=reason)
    return JsonResponse({"error": "invalid_request"}, status=400)
