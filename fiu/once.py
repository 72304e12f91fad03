"""A form that a person sends twice within a moment is done once: the second follows the first.

The token of a page's form is masked anew each time the page is drawn, so the same body means the
same page sent again. Only where the first one led on to another page: what it refused, or showed
without leading on, is asked again. Files are sent by other bodies, and known by their hashes.
"""

import hashlib
import time
from collections.abc import Callable

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

GetResponse = Callable[[HttpRequest], HttpResponseBase]
MOMENT = 5  # seconds after the first answer
LONGEST = 30  # seconds that the first one may take
PAUSE = 0.05
RUNNING, LED_NOWHERE = "", "-"


class OnceAMoment:
    """Stands before whatever takes a second factor's code, which counts once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = _key_of(request)
        if key is None:
            return self.get_response(request)
        cache = caches["default"]
        if not cache.add(key, RUNNING, LONGEST):
            target = _outcome(cache, key)
            return HttpResponseRedirect(target) if target else self.get_response(request)
        target = LED_NOWHERE
        try:
            response = self.get_response(request)
            target = response.get("Location", LED_NOWHERE)
        finally:
            cache.set(key, target, MOMENT)
        return response


def _key_of(request: HttpRequest) -> str | None:
    """One page's form of one session; None for everything else."""
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return None
    if not request.POST.get("csrfmiddlewaretoken") or not request.session.session_key:
        return None
    sender = f"{request.session.session_key}\0{request.get_full_path()}\0".encode()
    return f"once:{hashlib.sha256(sender + request.body).hexdigest()}"


def _outcome(cache: BaseCache, key: str) -> str:
    """Where the first one led, "" for nowhere; waits while it runs."""
    end = time.monotonic() + LONGEST
    while (target := cache.get(key, LED_NOWHERE)) == RUNNING and time.monotonic() < end:
        time.sleep(PAUSE)
    return "" if target in (RUNNING, LED_NOWHERE) else str(target)
