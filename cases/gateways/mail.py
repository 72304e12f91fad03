"""Mail that says nothing: an item awaits you, and where to look (P3).

Subject, sender and text are the same for everybody and everything; the mail server and whoever
reads over a shoulder learn that somebody works here.
"""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage

SUBJECT = "An item awaits you"


class MailRefused(Exception):
    """The mail server did not take it; the message is the kind of fault, without addresses."""


def is_configured() -> bool:
    """Whether a mail server is set."""
    return bool(settings.MAIL_URL)


def send_notice(address: str) -> None:
    """Send the one mail to one person: 10 s at most. Raises MailRefused."""
    text = f"An item awaits you in your inbox.\n\n{settings.FIU_ORIGIN}/inbox/\n"
    try:
        EmailMessage(SUBJECT, text, settings.DEFAULT_FROM_EMAIL, [address]).send()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailRefused(type(error).__name__) from error
