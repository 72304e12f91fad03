"""Replying to many requests at once that we hold nothing: each is decided by itself."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from cases.models import InformationRequest
from cases.policy import Action, Actor, PermissionDenied, StepUpRequired, require, require_step_up
from cases.services.audit import record_refusal
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.requests.decisions import mark_no_match
from cases.states import InvalidTransition

MOST_AT_ONCE = 20


def mark_no_matches(
    requests: Sequence[InformationRequest],
    *,
    content_hashes: Mapping[UUID, str],
    words: str,
    reason: str,
    by: Actor,
) -> list[tuple[InformationRequest, str]]:
    """Each request with "", or with the reason why it was left as it is.

    `content_hashes` are those that were shown. The search runs again for each, and one that matches
    meanwhile is left. A refused permission leaves its event, each by itself: call this outside of
    any transaction. Raises PermissionDenied, StepUpRequired, CaseworkError for too many.
    """
    require(by, Action.DECIDE_REQUEST)
    require_step_up(by)
    if not 0 < len(requests) <= MOST_AT_ONCE:
        raise CaseworkError(_("Choose from 1 to %(n)d requests.") % {"n": MOST_AT_ONCE})
    done = []
    for request in requests:
        shown = content_hashes.get(request.public_id, "")
        try:
            mark_no_match(request, words=words, content_hash=shown, reason=reason, by=by)
        except StepUpRequired:
            raise
        except PermissionDenied as error:  # what no answer tells of is kept all the same (H8)
            record_refusal(
                by=by, action="mark_no_match", object=request.reference, reason=str(error)
            )
            done.append((request, str(error)))
        except (CaseworkError, ContentChanged, InvalidTransition) as error:
            done.append((request, str(error)))
        else:
            done.append((request, ""))
    return done
