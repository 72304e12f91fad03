"""Two doors, two session cookies: people of the house and liaisons of agencies never share one.

Paths under LIAISON_PREFIX read the liaison cookie only, every other path the house cookie only;
the sign-in pages read the one that the visitor came for.
"""

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

DOOR_KEY = "fiu_door"
LIAISON_DOOR = "liaison"
SIGN_IN_PREFIX = "/accounts/"
OUTSIDE_PREFIX = "/accounts/oidc/"


def renew_session(request: HttpRequest) -> None:
    """Go on under a new key, as after a sign-in: who had the old one has nothing (S1)."""
    old = request.session.session_key
    request.session.cycle_key()
    user_sessions = apps.get_model("usersessions", "UserSession")  # settings load this module
    user_sessions.objects.filter(session_key=old).update(session_key=request.session.session_key)


def door_cookie(request: HttpRequest) -> str:
    """The name of the cookie that this request is judged by."""
    if request.path.startswith(settings.LIAISON_PREFIX):
        return settings.LIAISON_COOKIE_NAME
    if request.path.startswith(OUTSIDE_PREFIX):
        return settings.SESSION_COOKIE_NAME  # people of the house alone sign in from outside
    if request.path.startswith(SIGN_IN_PREFIX):
        asked = request.GET.get("next", "").startswith(settings.LIAISON_PREFIX)
        present = settings.LIAISON_COOKIE_NAME in request.COOKIES
        house = settings.SESSION_COOKIE_NAME in request.COOKIES
        # Who wants a page of the house signs in there, whatever the other door knows of them.
        wants_house = "next" in request.GET and not asked
        if present and (asked or not (house or wants_house)):
            return settings.LIAISON_COOKIE_NAME
    return settings.SESSION_COOKIE_NAME


class DoorSessionMiddleware(SessionMiddleware):
    """Django's sessions behind the cookie of the door."""

    def process_request(self, request: HttpRequest) -> None:
        request.session = self.SessionStore(request.COOKIES.get(door_cookie(request)))

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        came_by = door_cookie(request)
        house = settings.SESSION_COOKIE_NAME
        if came_by != house:
            # Django knows one cookie name: show it ours under that name, then rename the answer.
            request.COOKIES.pop(house, None)
            if came_by in request.COOKIES:
                request.COOKIES[house] = request.COOKIES[came_by]
        is_liaison = request.session.get(DOOR_KEY) == LIAISON_DOOR
        response = super().process_response(request, response)
        if "HX-Request" in request.headers and _is_deletion(response, house):
            # A fragment of another tab, asked for under the key before a step-up: the browser has
            # the new one by now.
            del response.cookies[house]
        if house not in response.cookies:
            return response
        if is_liaison or came_by != house:
            morsel = response.cookies.pop(house)
            name = settings.LIAISON_COOKIE_NAME
            response.cookies[name] = morsel.value
            for attribute, value in morsel.items():
                response.cookies[name][attribute] = value
            response.cookies[name]["samesite"] = "Strict"
            if came_by == house and house in request.COOKIES:
                response.delete_cookie(house, path=settings.SESSION_COOKIE_PATH)
        return response


def _is_deletion(response: HttpResponse, cookie: str) -> bool:
    return cookie in response.cookies and response.cookies[cookie]["max-age"] == 0
