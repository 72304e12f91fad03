"""A security key in a real browser: Chromium's virtual authenticator plays it."""

import pytest

from tests.browser.conftest import SeatOf
from tests.browser.site import Seat, Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
WHO = "ida"  # no later journey is hers: her second factor is another one afterwards


def give_key(seat: Seat) -> None:
    """A key that is put in and touched whenever the browser asks."""
    session = seat.context.new_cdp_session(seat.page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasResidentKey": False,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def test_a_key_is_registered_signs_in_and_steps_up(site: Site, seat_of: SeatOf) -> None:
    seat = seat_of(WHO)
    page = seat.page
    give_key(seat)
    seat.go("/accounts/2fa/keys/add/")
    seat.check()
    page.get_by_label("Name of the key").fill("On my ring")
    page.get_by_role("button", name="Register the key").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()  # with the first key come codes
    seat.check()
    seat.go("/accounts/2fa/")
    assert page.get_by_text("On my ring").first.is_visible()
    seat.check()

    page.context.clear_cookies()
    link = site.sign_in(WHO)["link"]
    page.goto(link)
    page.locator("button.primary").click()
    page.wait_for_url("**/accounts/2fa/authenticate/")
    seat.check()
    page.get_by_role("button", name="Sign in with your security key").click()
    page.wait_for_url(site.url + "/")

    seat.go("/accounts/2fa/keys/reauthenticate/?next=/inbox/")
    seat.check()
    page.get_by_role("button", name="Use the key").click()
    page.wait_for_url(site.url + "/inbox/")  # whole: the address before it ends so as well
    assert seat.messages == []


def test_the_key_is_removed_again(seat_of: SeatOf) -> None:
    seat = seat_of(WHO)
    page = seat.page
    seat.go("/accounts/2fa/")
    with page.expect_navigation():
        page.get_by_role("link", name="Remove").click()
    seat.check()
    page.get_by_role("button", name="Remove").click()
    # The key was all that this session had shown: the authenticator app is asked for.
    page.wait_for_url("**/accounts/2fa/reauthenticate/**")
    assert page.locator("input[name=code]").is_visible()
    assert page.get_by_text("Use a security key").count() == 0
    seat.check()
