"""Every address of the analysts' door, one list a noun."""

from cases.web import (
    addresses,
    audit,
    cases,
    cohorts,
    findings,
    flow,
    freezes,
    instruments,
    referrals,
    search,
    suspects,
    traces,
    wallets,
)

urlpatterns = [
    *cases.urlpatterns,
    *wallets.urlpatterns,
    *addresses.urlpatterns,
    *cohorts.urlpatterns,
    *suspects.urlpatterns,
    *traces.urlpatterns,
    *findings.urlpatterns,
    *freezes.urlpatterns,
    *instruments.urlpatterns,
    *referrals.urlpatterns,
    *audit.urlpatterns,
    *flow.urlpatterns,
    *search.urlpatterns,
]
