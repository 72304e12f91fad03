"""The demo people and their agencies, as plain values."""

from typing import NamedTuple


class DemoAgency(NamedTuple):
    """An authority of the demo."""

    short_name: str
    name: str
    kind: str
    country: str
    domain: str


class DemoPerson(NamedTuple):
    """Somebody who signs in; `agency` is the short name of a liaison's authority."""

    username: str
    first_name: str
    last_name: str
    role: str
    title: str
    email: str
    agency: str = ""
    may_view_reports: bool = False


AGENCIES = (
    DemoAgency("FNTF", "Federal Narcotics Task Force", "police", "US", "fntf.example"),
    DemoAgency("HDIB", "Harbour District Investigation Bureau", "police", "TW", "hdib.example"),
)
PEOPLE = (
    DemoPerson(
        "mei", "Mei", "Sample", "analyst", "Senior analyst", "mei@northquay.example",
        may_view_reports=True,
    ),
    DemoPerson("ida", "Ida", "Sample", "analyst", "Analyst", "ida@northquay.example"),
    DemoPerson(
        "tomas", "Tomas", "Sample", "supervisor", "Head of investigations",
        "tomas@northquay.example", may_view_reports=True,
    ),
    DemoPerson("nora", "Nora", "Sample", "compliance", "MLRO", "nora@northquay.example"),
    DemoPerson("aud", "Aud", "Sample", "auditor", "Internal audit", "aud@northquay.example"),
    DemoPerson(
        "ortiz", "Rafael", "Ortiz", "liaison", "Special agent", "ortiz@fntf.example", "FNTF"
    ),
    DemoPerson("chen", "Yi-Ting", "Chen", "liaison", "Inspector", "chen@hdib.example", "HDIB"),
    DemoPerson("ada", "Ada", "Sample", "admin", "Administrator", "ada@northquay.example"),
)  # fmt: skip
