"""What a person is told about the own account."""

from django import template
from django.template import Context

from fiu.models import AccountNotice, User

register = template.Library()

MOST = 20


@register.simple_tag(takes_context=True)
def account_notices(context: Context) -> list[AccountNotice]:
    """`{% account_notices as notices %}`: of the person who asks, newest first: 1 query."""
    user = getattr(context.get("request"), "user", None)
    if not isinstance(user, User):
        return []
    return list(AccountNotice.objects.filter(user=user).order_by("-at", "-pk")[:MOST])
