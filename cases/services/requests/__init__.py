"""Information requests: what an agency asks, checked by one person and decided by another."""

from cases.services.requests.announcements import announce_officers_acts
from cases.services.requests.bulk import mark_no_matches
from cases.services.requests.content import content_hash_of
from cases.services.requests.decisions import (
    accept_request,
    mark_no_match,
    refuse_request,
    release_response,
)
from cases.services.requests.desk import (
    ask_agency,
    check_request,
    close_request,
    link_request,
    start_verification,
    verify_requester,
)
from cases.services.requests.desk_intake import import_requests, record_for_agency
from cases.services.requests.intake import RequestSpec, answer_agency, record_request
from cases.services.requests.preservations import (
    end_preservation,
    renew_preservation,
    start_preservation,
)

__all__ = [
    "RequestSpec",
    "accept_request",
    "announce_officers_acts",
    "answer_agency",
    "ask_agency",
    "check_request",
    "close_request",
    "content_hash_of",
    "end_preservation",
    "import_requests",
    "link_request",
    "mark_no_match",
    "mark_no_matches",
    "record_for_agency",
    "record_request",
    "refuse_request",
    "release_response",
    "renew_preservation",
    "start_preservation",
    "start_verification",
    "verify_requester",
]
