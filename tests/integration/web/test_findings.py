"""The review of a finding on its page: what a dialog says that stood open too long."""

import pytest
from django.urls import reverse

from cases.services.findings import (
    edit_finding,
    reject_finding,
    return_finding,
    submit_finding,
)
from fiu.models import User
from tests.casework import make_case, make_finding, person, see_all
from tests.conftest import client_of

pytestmark = pytest.mark.django_db


def test_a_dialog_that_stood_open_says_that_the_finding_moved_on() -> None:
    by, second = person("analyst"), person("supervisor")
    finding = submit_finding(make_finding(make_case(by), by), by=by)
    see_all(finding, second)
    shown = {"reason": "Checked.", "content_hash": finding.content_hash}
    client = client_of(User.objects.get(pk=second.user_id))
    url = reverse("finding_approve", args=[finding.public_id])

    edit_finding(finding, version=finding.version, statement="Another sum.", by=by)
    page = client.post(url, shown)
    assert page.status_code == 422
    assert page.content.decode().count("It is a draft again: somebody changed it") == 1

    # What a reviewer sent back is not offered to be handed in again as it stands.
    returned = submit_finding(finding, by=by)
    return_finding(returned, reason="Which account?", by=second)
    owner = client_of(User.objects.get(pk=by.user_id))
    page = owner.get(reverse("finding_detail", args=[finding.public_id])).content.decode()
    assert "This content was sent back already: change it first." in page
    assert reverse("finding_submit", args=[finding.public_id]) in page
    returned.refresh_from_db()
    edit_finding(returned, version=returned.version, statement="Account ••4417.", by=by)
    page = owner.get(reverse("finding_detail", args=[finding.public_id])).content.decode()
    assert "sent back already" not in page

    reject_finding(submit_finding(finding, by=by), reason="No.", by=second)
    assert "Somebody has decided on it already." in client.post(url, shown).content.decode()
