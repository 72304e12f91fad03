"""A form that outlives its session is never lost: what was typed comes back and is sent again.

Whoever sends a page's form after the session ended is asked to sign in beside it, and sends the
same words from here. A fragment is told by its status, and the page around it stays as it is.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from fiu.sessions import SIGN_IN_PREFIX

GetResponse = Callable[[HttpRequest], HttpResponseBase]
RENEWED = "X-Fiu-Token"
# Worth nothing a moment later, or not to be shown.
NOT_KEPT = frozenset({"csrfmiddlewaretoken", "code"})


class SessionOver:
    """Stands between a view that leads a stranger to the sign-in page and the stranger."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated or not _leads_to_sign_in(request, response):
            return response
        return _over(request) or response


def renewed_form(request: HttpRequest) -> HttpResponse | None:
    """For a form whose token is older than the sign-in of its sender; None for any other.

    The answer carries a new token. Only what a page of this installation sent gets one: browsers
    say where a request comes from, and no page can say it for them.
    """
    if not _is_own(request):
        return None
    if not request.user.is_authenticated:
        return _over(request)
    if "HX-Request" not in request.headers:
        return _form_again(request)
    words = _("You signed in again since this page was opened. Send it once more.")
    context = {"status": 403, "sentence": words}
    answer = HttpResponse(render_to_string("403.html", context, request), status=403)
    answer[RENEWED] = get_token(request)
    return answer


def _over(request: HttpRequest) -> HttpResponse | None:
    if "HX-Request" in request.headers:
        return HttpResponse(_("Your session is over."), status=401)
    return _form_again(request)


def _is_own(request: HttpRequest) -> bool:
    is_account = request.path.startswith((SIGN_IN_PREFIX, settings.API_PREFIX))
    return not is_account and request.headers.get("Sec-Fetch-Site") == "same-origin"


def _leads_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    if request.path.startswith(SIGN_IN_PREFIX) or response.status_code != 302:
        return False
    return response.headers.get("Location", "").partition("?")[0] == reverse(settings.LOGIN_URL)


def _form_again(request: HttpRequest) -> HttpResponse | None:
    """The page with all that was typed; None where nothing was. Files are chosen again."""
    if request.method != "POST" or not _is_own(request):
        return None
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in NOT_KEPT
        for value in values
    ]
    if not any(value.strip() for _name, value in typed):
        return None
    is_liaison = request.path.startswith(settings.LIAISON_PREFIX)
    context = {
        "status": 401,
        "typed": typed,
        "texts": [value for _name, value in typed if len(value.split()) > 1],
        "has_files": bool(request.FILES),
        "action": request.get_full_path(),
        "start": settings.LIAISON_PREFIX if is_liaison else reverse("dashboard"),
    }
    page = render_to_string("session_over.html", context, request)
    return HttpResponse(page, status=403 if request.user.is_authenticated else 401)
