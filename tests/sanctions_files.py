"""Small sanctions lists in the forms that OFAC and OpenSanctions publish, about invented people."""

import json

BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
WITNESS = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"

_NAMESPACE = "https://lists.example/ADVANCED_XML"


def _feature(number: int, kind: int, address: str) -> str:
    return (
        f'<Feature ID="{number}" FeatureTypeID="{kind}"><FeatureVersion ID="{number}">'
        f'<Comment/><VersionDetail DetailTypeID="1432">{address}</VersionDetail>'
        "</FeatureVersion></Feature>"
    )


def _alias(name: str, primary: str) -> str:
    parts = "".join(
        f'<DocumentedNamePart><NamePartValue NamePartGroupID="1">{part}</NamePartValue>'
        "</DocumentedNamePart>"
        for part in name.split()
    )
    return (
        f'<Alias AliasTypeID="1403" Primary="{primary}"><DocumentedName ID="1">{parts}'
        "</DocumentedName></Alias>"
    )


def _date(year: int, month: int, day: int) -> str:
    return f"<Date><Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></Date>"


ADVANCED = f"""<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="{_NAMESPACE}">
<DateOfIssue><Year>2025</Year><Month>5</Month><Day>20</Day></DateOfIssue>
<ReferenceValueSets><FeatureTypeValues>
<FeatureType ID="8" FeatureTypeGroupID="1">Birthdate</FeatureType>
<FeatureType ID="344" FeatureTypeGroupID="1">Digital Currency Address - XBT</FeatureType>
<FeatureType ID="887" FeatureTypeGroupID="1">Digital Currency Address - USDT</FeatureType>
</FeatureTypeValues></ReferenceValueSets>
<DistinctParties>
<DistinctParty FixedRef="36001"><Profile ID="36001"><Identity ID="1" Primary="true">
{_alias("Second Name", "false")}{_alias("Sample Party", "true")}</Identity>
{_feature(1, 344, BITCOIN)}{_feature(2, 887, TRON)}{_feature(3, 344, BITCOIN)}
{_feature(4, 344, BITCOIN[:-1] + "b")}{_feature(5, 8, "1970")}</Profile></DistinctParty>
<DistinctParty FixedRef="36002"><Profile ID="36002"><Identity ID="2" Primary="true">
{_alias("Without Address", "true")}</Identity>{_feature(6, 8, "1980")}</Profile></DistinctParty>
</DistinctParties>
<SanctionsEntries>
<SanctionsEntry ID="1" ProfileID="36001" ListID="1550">
<EntryEvent ID="1" EntryEventTypeID="1">{_date(2023, 11, 29)}</EntryEvent>
<EntryEvent ID="2" EntryEventTypeID="1">{_date(2022, 4, 14)}</EntryEvent>
<SanctionsMeasure ID="1" SanctionsTypeID="1"><Comment>CYBER2</Comment></SanctionsMeasure>
<SanctionsMeasure ID="2" SanctionsTypeID="2"><Comment/></SanctionsMeasure>
</SanctionsEntry></SanctionsEntries></Sanctions>"""

PLAIN = f"""<?xml version="1.0"?>
<sdnList xmlns="https://lists.example/XML"><publshInformation><Publish_Date>05/20/2025</Publish_Date>
</publshInformation><sdnEntry><uid>36001</uid><firstName>Sample</firstName>
<lastName>PARTY</lastName><programList><program>CYBER2</program></programList><idList>
<id><uid>1</uid><idType>Passport</idType><idNumber>A1</idNumber></id>
<id><uid>2</uid><idType>Digital Currency Address - XBT</idType><idNumber>{WITNESS}</idNumber></id>
<id><uid>3</uid><idType>Digital Currency Address - ETH</idType><idNumber>{ETHEREUM}</idNumber></id>
</idList></sdnEntry></sdnList>"""


def entity(number: str, schema: str, **properties: object) -> dict[str, object]:
    """One FollowTheMoney entity."""
    return {"id": number, "schema": schema, "properties": properties, "datasets": ["sample"]}


ENTITIES = "\n".join(
    json.dumps(each)
    for each in (
        entity("w-1", "CryptoWallet", publicKey=[BITCOIN], currency=["XBT"], holder=["p-1"]),
        entity("p-1", "Person", name=["Sample Party"], topics=["sanction"]),
        entity("s-1", "Sanction", entity=["p-1"], startDate=["2022-04-14", "soon"]),
        entity("w-2", "CryptoWallet", publicKey=[WITNESS], holder=["p-2"]),
        entity("p-2", "Person", name=["Linked Party"], topics=["sanction.linked"]),
        entity(
            "o-1", "Organization", name=["Nested Party"], topics=["sanction"],
            sanctions=[entity("s-2", "Sanction", startDate=["2024-01-02T00:00:00"])],
            cryptoWallets=[entity("w-3", "CryptoWallet", publicKey=[TRON], currency=["USDT"])],
        ),
    )
)  # fmt: skip
