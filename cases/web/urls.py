"""Every address of the analysts' door, one list a noun."""

from cases.web import (
    addresses,
    alerts,
    audit,
    cases,
    findings,
    flow,
    freezes,
    instruments,
    referrals,
    reports,
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
    *alerts.urlpatterns,
    *reports.urlpatterns,
    *audit.urlpatterns,
    *flow.urlpatterns,
    *search.urlpatterns,
]
