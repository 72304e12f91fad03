"""The first sign-in of a verified officer: a link that somebody of the house hands over in person.

It opens the page for a password once and within 15 minutes; the second factor is set up behind it.
"""

from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from cases.http import AuthedRequest, require_at_the_door
from cases.models import OfficerEntry
from cases.policy import Action
from cases.services.audit import record_event
from cases.states import OfficerState
from fiu.links import make_sign_in_link
from fiu.people import origin


@require_POST
@require_at_the_door(Action.PROPOSE_OFFICER)
def invite(request: AuthedRequest, officer_id: UUID) -> HttpResponse:
    """Show the link once; whoever has signed in before has a password and gets none."""
    verified = OfficerEntry.objects.filter(state=OfficerState.VERIFIED.value)
    entry = get_object_or_404(verified.select_related("user", "agency"), public_id=officer_id)
    user = entry.user
    if (
        user is None
        or not user.is_active
        or user.last_login is not None
        or user.has_usable_password()
    ):
        raise Http404
    with transaction.atomic():
        record_event(None, "invite_officer", f"officer:{entry.public_id}", by=request.actor)
    link = make_sign_in_link(user, origin(), next_page="/accounts/password/set/")
    return render(request, "cases/officer_link.html", {"entry": entry, "link": link})
