"""How long until a sign-in page answers again: the limits are allauth's, their answer is ours (S4).

allauth keeps the times of each limit in the cache, which all processes share.
"""

import math
import time

from allauth.core.internal.ratelimit import get_cache_key, get_rates
from django.core.cache import cache
from django.http import HttpRequest

LOCKED_SECONDS = 15 * 60  # after five failures, by ACCOUNT_RATE_LIMITS
APP = "allauth.account"
ACTIONS = ("login", "reauthenticate", "change_password")


def seconds_until_allowed(request: HttpRequest) -> int:
    """Until every used-up limit of this address and person has room again; at least 1."""
    wait = 1.0
    for action in ACTIONS:
        for rate in get_rates(app=APP, action=action):
            if rate.per == "user" and not request.user.is_authenticated:
                continue
            times = cache.get(get_cache_key(request, app=APP, action=action, rate=rate)) or []
            if len(times) >= rate.amount:
                wait = max(wait, times[rate.amount - 1] + rate.duration - time.time())
    return math.ceil(wait)
