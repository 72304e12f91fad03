"""Detection on a world of known truth: what fires, what stays silent, and that twice is once."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from cases.detection import FLAGS, RULES
from cases.models import Alert, AuditEvent, ExchangeRecord, Provider, Rule
from cases.policy import SYSTEM, PermissionDenied
from cases.services.alerts import dismiss_alert, link_alert, propose_dismissal
from cases.services.detection import DetectReport, merge_into, run_detection
from cases.services.detection_runs import detect_now
from cases.services.errors import ImportRefused
from cases.services.exchange import import_exchange
from tests.casework import BTC, person
from tests.detection_world import PLANS, Truth, write_world
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db
RUNNING = tuple(spec for spec in RULES if spec.is_on)


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    made = write_world(tmp_path / "world")
    import_exchange(tmp_path / "world")
    return made


def fired() -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for code, uid in Alert.objects.values_list("rule__code", "account__uid"):
        found[code].add(uid)
    return dict(found)


def test_every_rule_fires_on_its_pattern_and_on_nothing_else(
    truth: Truth, capsys: pytest.CaptureFixture[str]
) -> None:
    """Precision and recall over the whole world, other rules' plans included."""
    detect_now(by=SYSTEM)
    found = fired()
    lines = []
    for spec in RUNNING:
        hits, planted = found.get(spec.code, set()), truth.planted[spec.code]
        right = len(hits & planted)
        precision, recall = right / max(len(hits), 1), right / len(planted)
        lines.append(f"{spec.flag} {spec.code}: precision {precision:.2f} recall {recall:.2f}")
        assert hits - planted == set(), (spec.code, sorted(hits - planted))
        assert planted - hits == set(), (spec.code, sorted(planted - hits))
        assert truth.near[spec.code].isdisjoint(hits)
        assert len(planted) == len(truth.near[spec.code]) == 20
    with capsys.disabled():
        print("\n" + "\n".join(lines))


def test_each_rule_that_runs_at_once_stands_for_a_flag_that_is_marked_full() -> None:
    assert {spec.code for spec in RUNNING} == set(PLANS)
    assert all(FLAGS[spec.flag].computable == "full" for spec in RUNNING)


def test_an_alert_says_why_and_on_which_records(truth: Truth) -> None:
    detect_now(by=SYSTEM)
    for alert in Alert.objects.all():
        assert alert.values
        assert all(set(value) == {"name", "found", "limit"} for value in alert.values)
        assert alert.records.exists()
        assert 0 < alert.score <= 100
        assert sum(part["points"] for part in alert.contributions) == alert.score


def test_a_second_run_raises_nothing(truth: Truth) -> None:
    first = detect_now(by=SYSTEM)
    before, events = Alert.objects.count(), AuditEvent.objects.count()
    again = detect_now(by=SYSTEM)
    assert before == first.num_raised + first.num_merged == Alert.objects.count()
    assert (again.num_raised, again.num_merged) == (0, 0)
    assert again.num_known == before
    assert AuditEvent.objects.count() == events


def test_a_new_firing_is_merged_and_counted_while_the_old_is_open(truth: Truth) -> None:
    detect_now(by=SYSTEM)
    alert = Alert.objects.get(account__uid="structuri-P00")
    plant_again(alert, "X")
    report = detect_now(by=SYSTEM)
    assert report.num_merged == 1
    alert.refresh_from_db()
    assert alert.num_merged == 1
    assert [each.state for each in alert.merged.all()] == ["merged"]


def test_a_new_firing_is_never_hidden_in_a_closed_alert(truth: Truth) -> None:
    detect_now(by=SYSTEM)
    alert = Alert.objects.get(account__uid="structuri-P00")
    dismiss_alert(alert, disposition="false_positive", reason="Known.", by=person("analyst"))
    plant_again(alert, "X")
    report = detect_now(by=SYSTEM)
    assert (report.num_raised, report.num_merged) == (1, 0)
    assert Alert.objects.filter(account=alert.account, state="new").count() == 1


def test_a_firing_stands_for_itself_where_its_alert_is_closed_at_that_moment() -> None:
    survivor = make_alert()
    as_it_was_read = Alert.objects.get(pk=survivor.pk)
    link_alert(survivor, None, by=person("analyst"))
    fresh = make_alert(shift=40)
    assert not merge_into(fresh, as_it_was_read)
    fresh.refresh_from_db()
    survivor.refresh_from_db()
    assert (fresh.state, fresh.merged_into_id, survivor.num_merged) == ("new", None, 0)
    assert merge_into(make_alert("NQ-2"), fresh)
    fresh.refresh_from_db()
    assert fresh.num_merged == 1


def plant_again(alert: Alert, mark: str) -> None:
    """The same pattern once more, a month later."""
    for row in list(alert.records.all()):
        row.pk, row.ref, row.at = None, f"{row.ref}{mark}", row.at + timedelta(days=30)
        row.save(force_insert=True)


def test_since_looks_at_accounts_that_moved_and_finds_the_same(truth: Truth) -> None:
    report = run_detection(since=datetime(2025, 7, 1, tzinfo=UTC), by=SYSTEM)
    moved = ExchangeRecord.objects.filter(at__gte=datetime(2025, 7, 1, tzinfo=UTC))
    assert 0 < report.num_accounts == moved.values("account").distinct().count()
    full = detect_now(by=SYSTEM)
    assert full.num_known == report.num_raised + report.num_merged > 0


def test_what_fired_on_a_part_of_the_history_fires_on_the_whole(truth: Truth) -> None:
    """So a nightly run repeats nothing and loses nothing."""
    late = ExchangeRecord.objects.filter(at__gte=datetime(2025, 1, 20, tzinfo=UTC))
    kept = list(late)
    late.delete()
    early = detect_now(by=SYSTEM)
    ExchangeRecord.objects.bulk_create(kept)
    whole = detect_now(by=SYSTEM)
    assert whole.num_known == early.num_raised + early.num_merged > 0
    assert {code: len(uids) for code, uids in fired().items()} == dict.fromkeys(PLANS, 20)


def test_a_rule_that_is_off_is_silent_and_a_new_version_runs_with_its_figures(
    truth: Truth,
) -> None:
    detect_now(by=SYSTEM)
    old = Rule.objects.get(code="structuring")
    Rule.objects.filter(pk=old.pk).update(is_on=False)
    assert "structuring" not in detect_now(by=SYSTEM).fired
    Rule.objects.create(
        code="structuring", version=2, title=old.title, red_flags=old.red_flags,
        parameters=old.parameters | {"min_count": 2}, severity="medium",
    )  # fmt: skip
    detect_now(by=SYSTEM)
    assert Alert.objects.filter(rule__code="structuring", rule__version=2).exists()


def test_nobody_but_the_system_raises_alerts(db: None) -> None:
    for role in ("analyst", "supervisor", "compliance", "auditor", "admin", "liaison"):
        with pytest.raises(PermissionDenied):
            detect_now(by=person(role))


def test_the_command_says_what_it_saw(truth: Truth) -> None:
    out = StringIO()
    call_command("detect", stdout=out)
    assert "structuring: 20 firings" in out.getvalue()
    call_command("detect", "--json", "--since", "2025-03-01", stdout=out)
    assert '"num_raised": 0' in out.getvalue()


def test_a_report_starts_empty() -> None:
    assert DetectReport().fired == {}


def test_a_proposal_is_not_a_dismissal(truth: Truth) -> None:
    detect_now(by=SYSTEM)
    alert = Alert.objects.filter(severity="high").first()
    assert alert is not None
    asked = propose_dismissal(
        alert, disposition="false_positive", reason="Family.", by=person("analyst")
    )
    assert asked.state == "new"


def test_events_profiles_and_providers_come_with_the_records(tmp_path: Path) -> None:
    (tmp_path / "assets.csv").write_text(f"asset,symbol,decimals\n{BTC},BTC,8\n")
    (tmp_path / "accounts.csv").write_text(
        "uid,customer,holder_name,country,kind,opened_on,state,kyc_level\n"
        "fan_in-P00,C1,Ada Example,XX,main,2020-05-01,active,full\n"
    )
    (tmp_path / "profiles.csv").write_text(
        "account,birth_on,yearly_income,monthly_volume\nfan_in-P00,1944-05-01,18000.50,\n"
    )
    (tmp_path / "events.csv").write_text(
        "ref,account,kind,at,ip,country,detail\n"
        "EV-1,fan_in-P00,login,2025-03-01T08:00:00Z,203.0.113.4,IR,\n"
        "EV-2,fan_in-P00,message,2025-03-01T09:00:00Z,,,for the carding course\n"
    )
    (tmp_path / "providers.csv").write_text(
        "name,country,rating,is_registered,is_high_risk,is_ruled\nFastcoin,XX,weak,no,,yes\n"
    )
    assert import_exchange(tmp_path).rows["events.csv"] == 2
    assert import_exchange(tmp_path).rows["providers.csv"] == 1
    provider = Provider.objects.get()
    assert (provider.is_registered, provider.is_high_risk, provider.is_ruled) == (False, None, True)
    detect_now(by=SYSTEM)
    Rule.objects.filter(code__in=["flagged_origin", "words_of_crime"]).update(is_on=True)
    report = detect_now(by=SYSTEM)
    assert report.num_raised == 2
    alert = Alert.objects.get(rule__code="words_of_crime")
    assert alert.values[0]["found"] == "carding"
    (tmp_path / "events.csv").write_text(
        "ref,account,kind,at,ip,country,detail\nEV-3,fan_in-P00,dream,2025-03-01T08:00:00Z,,,\n"
    )
    with pytest.raises(ImportRefused, match="kind"):
        import_exchange(tmp_path)
