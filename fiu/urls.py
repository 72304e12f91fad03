"""Every address of the installation. tests/integration/matrix holds a rule for each."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.usersessions import views as sessions
from django.conf import settings
from django.urls import include, path

from cases.api import urls as api
from cases.liaison import urls as liaison
from cases.web import urls as casework
from fiu import (
    accounts,
    csp,
    dashboard,
    errors,
    health,
    invitations,
    keys,
    metrics,
    preferences,
    tokens,
)

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler429 = errors.too_many  # allauth's limits of sign-ins
handler500 = errors.server_error

sign_in = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", accounts.PasswordAgain.as_view(), name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("sessions/", sessions.list_usersessions, name="usersessions_list"),
    path("tokens/", tokens.token_list, name="api_tokens"),
    path("tokens/<uuid:token_id>/revoke/", tokens.token_revoke, name="api_token_revoke"),
    path("link/<str:token>/", accounts.sign_in_by_link, name="sign_in_link"),
    # allauth names these in its templates; nobody signs up and no mail leads around the factor.
    path("signup/", accounts.closed, name="account_signup"),
    path("password/reset/", accounts.closed, name="account_reset_password"),
    path("email/", accounts.closed, name="account_email"),
]
second_factor = [
    path("", mfa.index, name="mfa_index"),
    path("authenticate/", mfa.authenticate, name="mfa_authenticate"),
    path("reauthenticate/", accounts.SecondFactorAgain.as_view(), name="mfa_reauthenticate"),
    path("totp/activate/", totp.activate_totp, name="mfa_activate_totp"),
    path("totp/deactivate/", accounts.NewAuthenticator.as_view(), name="mfa_deactivate_totp"),
    path("keys/add/", keys.NewKey.as_view(), name="mfa_add_webauthn"),
    path("keys/reauthenticate/", keys.KeyAgain.as_view(), name="mfa_reauthenticate_webauthn"),
    path("keys/<int:pk>/edit/", keys.RenamedKey.as_view(), name="mfa_edit_webauthn"),
    path("keys/<int:pk>/remove/", keys.RemovedKey.as_view(), name="mfa_remove_webauthn"),
    path("recovery-codes/", accounts.CodesShownOnce.as_view(), name="mfa_view_recovery_codes"),
    path(
        "recovery-codes/generate/",
        recovery.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
]

outside = [path("accounts/oidc/", include("fiu.oidc.urls"))] if settings.OIDC_ISSUER else []

urlpatterns = [
    *outside,
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("csp-report/", csp.report, name="csp_report"),
    path("accounts/2fa/", include(second_factor)),
    path("accounts/", include(sign_in)),
    # The liaison's cookie is read under this prefix only (fiu/sessions.py).
    path("liaison/theme/", dashboard.set_theme, name="liaison_theme"),
    path("liaison/preferences/", preferences.set_preferences, name="liaison_preferences"),
    path("liaison/", include(liaison.urlpatterns)),
    path(api.PREFIX.lstrip("/"), include(api.urlpatterns)),
    path("officers/<uuid:officer_id>/invite/", invitations.invite, name="officer_invite"),
    path("", include(dashboard.urlpatterns)),
    path("", include(casework.urlpatterns)),
]
