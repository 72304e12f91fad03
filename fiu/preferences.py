"""Language and times of the portal: chosen by the officer, kept with the person."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cases.http import AuthedRequest
from fiu.models import User
from fiu.sessions import SIGN_IN_PREFIX

LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


class DoorLanguage:
    """The portal and the way into it speak the officer's language; the house speaks English.

    Without a choice it is that of the browser, where the portal knows it. Of who signs in nothing
    is known yet, so those pages follow the browser for everybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_entrance = request.path.startswith(SIGN_IN_PREFIX)
        if not is_entrance and not request.path.startswith(settings.LIAISON_PREFIX):
            return self.get_response(request)
        if is_entrance and getattr(request.user, "role", "liaison") != "liaison":
            return self.get_response(request)
        chosen = getattr(request.user, "language", "")
        language = chosen or translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        response.headers["Content-Language"] = language
        return response


@require_POST
@login_required
def set_preferences(request: AuthedRequest) -> HttpResponse:
    """Keep a language or how times are shown, then back to the page it was chosen on."""
    changes: dict[str, object] = {}
    language, times = request.POST.get("language", ""), request.POST.get("times", "")
    if language in LANGUAGES:
        changes["language"] = language
    if times in ("utc", "local"):
        changes["shows_utc"] = times == "utc"
    if not changes:
        raise Http404
    User.objects.filter(pk=request.user.pk).update(**changes)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(back if is_ours else settings.LIAISON_PREFIX)
