"""The addresses of a sign-in from outside; part of the installation only where it is on."""

from django.urls import path

from fiu.oidc.logout import end_outside
from fiu.oidc.views import callback, start

urlpatterns = [
    path("", start, name="oidc_start"),
    path("callback/", callback, name="oidc_callback"),
    path("logout/", end_outside, name="oidc_logout"),
]
