"""What workers do for people's accounts; may run twice."""

from celery import shared_task

from fiu.notices import mail_account_notices


@shared_task(name="fiu.account_mails")
def account_mails_task() -> int:
    """Mail to people that something about their account changed."""
    return mail_account_notices()
