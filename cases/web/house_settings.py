"""What the house goes by, on one page: each line leads to where it is read and proposed."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cases.http import AuthedRequest, require_at_the_door
from cases.policy import Action, may


@dataclass(frozen=True)
class Setting:
    """One page of settings, for whoever has one of `rights`."""

    route: str
    icon: str
    title: Promise
    words: Promise
    rights: tuple[Action, ...]


SETTINGS = (
    Setting(
        "approval_policy_list", "users", _("Approval policies"),
        _("How many people approve an act, and for how long."), (Action.PROPOSE_POLICY,),
    ),
    Setting(
        "clock_list", "clock", _("Clocks"),
        _("How long something may take, with the law that says so."), (Action.PROPOSE_POLICY,),
    ),
    Setting(
        "legal_list", "scale", _("Legal matrix"),
        _("Which instrument from which country may obtain what."), (Action.PROPOSE_POLICY,),
    ),
    Setting(
        "rule_list", "flag", _("Detection rules"),
        _("What fires an alert, by which figures."), (Action.TRIAGE_ALERT, Action.PROPOSE_RULE),
    ),
    Setting(
        "risk_model_list", "list", _("Learned score"),
        _("What orders the alerts, and how well it does."), (Action.TRIAGE_ALERT,),
    ),
    Setting(
        "officer_list", "landmark", _("Agencies and officers"),
        _("Whom this house knows at the authorities, and their accounts."),
        (Action.PROPOSE_OFFICER,),
    ),
    Setting(
        "label_list", "package", _("Labels"),
        _("Tag packs and sanctions lists that count, and where they come from."),
        (Action.VIEW_CASE,),
    ),
    Setting(
        "price_list", "coins", _("Prices"),
        _("What every figure in money is made with."), (Action.VIEW_CASE,),
    ),
    Setting(
        "webhook_list", "send", _("Webhooks"),
        _("Which other programs of the house are told that something changed."),
        (Action.MANAGE_WEBHOOKS,),
    ),
)  # fmt: skip


@require_safe
@require_at_the_door(*{right for each in SETTINGS for right in each.rights})
def settings_list(request: AuthedRequest) -> HttpResponse:
    """The settings that this person may read: no query of its own."""
    open_to = [each for each in SETTINGS if any(may(request.actor, right) for right in each.rights)]
    return render(request, "cases/settings_list.html", {"settings": open_to})


urlpatterns = [path("settings/", settings_list, name="settings_list")]
