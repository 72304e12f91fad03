"""Every address of the analysts' door, one list a noun."""

from cases.web import (
    addresses,
    audit,
    cases,
    findings,
    flow,
    freezes,
    instruments,
    referrals,
    requests,
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
    *referrals.urlpatterns,
    *requests.urlpatterns,
    *audit.urlpatterns,
    *flow.urlpatterns,
    *search.urlpatterns,
]
