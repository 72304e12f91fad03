"""Every address of the analysts' door, one list a noun."""

from cases.web import (
    addresses,
    cases,
    findings,
    flow,
    freezes,
    instruments,
    search,
    suspects,
    traces,
    wallets,
)

urlpatterns = [
    *cases.urlpatterns,
    *wallets.urlpatterns,
    *addresses.urlpatterns,
    *suspects.urlpatterns,
    *traces.urlpatterns,
    *findings.urlpatterns,
    *freezes.urlpatterns,
    *instruments.urlpatterns,
    *flow.urlpatterns,
    *search.urlpatterns,
]
