"""Template tags of the screens: money, times, addresses, states, words and charts."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import path

from cases.flow import Edge, Group, layout
from cases.states import FreezeState
from fiu import charts
from fiu.charts import Column, Part, Row
from fiu.templatetags import badges, money, times
from fiu.templatetags.addresses import masked, shorten
from fiu.templatetags.casework import receiver_word
from fiu.templatetags.icons import STATIC, shapes
from fiu.templatetags.words import TERMS

BTC = "bip122:000000000019d6689c085ae165831e93/slip44:0"
ETH = "eip155:1/slip44:60"


def draw(source: str, **context: object) -> str:
    return Template("{% load look %}" + source).render(Context(context))


# --- Money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "asset", "shown"),
    [
        (2_241_070_000, BTC, "22.4107 BTC"),
        (100_000_000, BTC, "1.00 BTC"),
        (1, BTC, "0.00000001 BTC"),
        (-1, BTC, "−0.00000001 BTC"),
        (0, BTC, "0.00 BTC"),
        (123_456_789_012_345_678_901, ETH, "123.456789012345678901 ETH"),
        ("880310000000", "eip155:1/erc20:0xdAC17F958D2ee523a2206206994597C13D831ec7",
         "880,310.00 USDT"),
        (7, "eip155:1/erc20:0x1", "7 eip155:1/erc20:0x1"),
    ],
)  # fmt: skip
def test_crypto_is_exact_to_the_base_unit_and_names_its_asset(value, asset, shown):
    assert money.exact(value, asset) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("4821300", "$4.82M"), ("999999", "$1.00M"), ("999499", "$999K"), ("610000", "$610K"),
        ("9999.99", "$10,000"), ("812.4", "$812.40"), ("0", "$0"), ("-1200000", "−$1.20M"),
        ("1204000000", "$1.20B"), ("999960000", "$1.00B"),
    ],
)  # fmt: skip
def test_fiat_headline_is_short(amount, shown):
    assert money.headline(Decimal(amount)) == shown


def test_unknown_amounts_are_never_zero_or_a_dash():
    shown = draw(
        "{% money None a %} {% fiat None %} {{ v|crypto:a }} {% when None %}", a=BTC, v=None
    )
    assert shown.count("unknown") == 4 + shown.count('class="unknown"')
    assert "—" not in shown


def test_fiat_carries_full_sum_price_source_and_time():
    price = {"price": Decimal("103120.40"), "source": "Kraken", "method": "daily close",
             "at": datetime(2025, 5, 3, 21, 40, tzinfo=UTC)}  # fmt: skip
    shown = draw("{% fiat amount price %}", amount=Decimal("2310000"), price=price)
    assert "$2.31M" in shown
    assert 'tabindex="0"' in shown
    for words in ("$2,310,000.00", "$103,120.40", "3 May 2025, 21:40", "Kraken", "daily close"):
        assert words in shown


def test_money_with_fiat_stands_above_the_exact_amount():
    shown = draw("{% money 150000000 a 90000 %}", a=BTC)
    assert shown.index("$90K") < shown.index("1.50 BTC")


# --- Times and addresses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=52), "2 d 4 h"), (timedelta(days=2), "2 d"),
        (timedelta(minutes=192), "3 h 12 min"),
        (timedelta(minutes=47), "47 min"), (timedelta(0), "under a minute"),
        (timedelta(hours=3), "3 h"),
    ],
)  # fmt: skip
def test_spans_have_two_units_at_most(span, words):
    assert times.span_words(span) == words


def test_deadlines_are_relative_and_late_ones_say_so():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert times.relative_words(now + timedelta(hours=6), now) == "in 6 h"
    assert times.relative_words(now - timedelta(hours=3), now) == "3 h late"


@pytest.mark.parametrize(
    "value",
    [datetime(2025, 1, 12, 8, 14, tzinfo=UTC), "2025-01-12T08:14:00Z", "2025-01-12T09:14:00+01:00",
     1736669640],
)  # fmt: skip
def test_times_come_in_every_form_and_stand_in_utc(value):
    shown = draw("{% when value %}", value=value)
    assert 'datetime="2025-01-12T08:14:00Z"' in shown
    assert "12 Jan 2025, 08:14 UTC" in shown


def test_days_have_no_zone():
    assert "fiu-time" not in draw("{% when day %}", day=date(2025, 1, 12))


def test_address_is_short_on_screen_and_whole_in_the_copy():
    text = "bc1q4ur7s8d9f0g1h2j3k4l5z6x7c8v9b0n77kd"
    assert shorten(text) == "bc1q4u…77kd"
    shown = draw("{% address text %}", text=text)
    assert f'data-text="{text}"' in shown
    assert "http" not in shown
    assert masked("000012344417") == "••4417"


def test_every_text_is_escaped():
    evil = "<script>alert(1)</script>"
    shown = draw(
        "{% address e %}{% chip e %}{% copy_button e %}{% badge e %}{% term 'none' e %}"
        "{% avatar p %}{% bar parts e %}",
        e=evil, p=SimpleNamespace(initials="<i>"), parts=[(evil, 1, "ice")],
    )  # fmt: skip
    assert "<script" not in shown
    assert "<i>" not in shown


# --- States, icons, words -------------------------------------------------------------------------


def test_every_state_has_a_word_and_a_vendored_icon():
    for word, tone, sign in badges.LOOKS.values():
        assert str(word)
        assert tone in ("", "accent", "ice", "bad", "warn", "good", "violet")
        assert shapes(sign)


def test_ice_means_frozen_and_nothing_else():
    frozen = {key for key, (_, tone, _) in badges.LOOKS.items() if tone == "ice"}
    assert frozen == {"freeze.active", "decision_due", "held", "partly"}


def test_active_freeze_is_frozen_while_an_active_grant_is_not():
    assert "Frozen" in draw('{% badge "active" "freeze" %}')
    assert "Frozen" in draw("{% badge state %}", state=FreezeState.ACTIVE)
    assert "Frozen" not in draw('{% badge "active" %}')


def test_icon_is_hidden_from_screen_readers_and_wrong_names_fail():
    assert 'aria-hidden="true"' in draw('{% icon "snowflake" %}')
    with pytest.raises(FileNotFoundError):
        draw('{% icon "no-such-icon" %}')
    with pytest.raises(FileNotFoundError):
        draw('{% icon "../LICENSE" %}')


def test_icons_named_in_templates_are_vendored():
    for page in Path(STATIC).parents[1].joinpath("templates").rglob("*.html"):
        for name in re.findall(r'{%\s*icon "([a-z0-9-]+)"', page.read_text()):
            assert shapes(name), f"{page}: {name}"


def test_terms_open_on_focus():
    for key in TERMS:
        assert 'tabindex="0"' in draw("{% term key %}", key=key)


# --- Charts ---------------------------------------------------------------------------------------


def test_bar_pieces_fill_the_whole_width_in_proportion():
    picture = ElementTree.fromstring(  # noqa: S314  our own bytes
        charts.strip(
            [Part("Frozen", 3, "ice"), Part("Left", 1, "bad"), Part("None", 0, "warn")], "x"
        )
    )
    pieces = [(float(one.get("x", "0")), float(one.get("width", "0"))) for one in picture]
    assert pieces == [(0.0, 750.0), (752.0, 248.0)]


@pytest.mark.parametrize(
    "picture",
    [
        charts.strip([], "empty"),
        charts.stacked_columns([], "empty"),
        charts.stacked_columns(
            [Column("Jan", (Part("Frozen", Decimal("1.5"), "ice"),), "$1")], "x"
        ),
        charts.horizontal_bars([], "empty"),
        charts.horizontal_bars([Row("<a>", 5, "5"), Row("b", 0)], "x"),
    ],
)
def test_charts_are_well_formed_titled_and_without_inline_style(picture):
    tree = ElementTree.fromstring(picture)  # noqa: S314  our own bytes
    assert tree.get("role") == "img"
    assert tree.get("aria-label")
    assert "style=" not in picture


# --- Larger pieces --------------------------------------------------------------------------------


def test_money_strip_shows_the_parts_and_says_unknown():
    totals = {"reached": Decimal(100), "frozen": Decimal(70), "pending": Decimal(30), "left": None,
              "policy": "fifo", "num_accounts": 1}  # fmt: skip
    shown = draw("{% money_strip totals %}", totals=totals)
    for words in ("$100", "$70", "$30", "unknown", "FIFO", "1 account"):
        assert words in shown


def page(request):  # only its address is wanted
    raise NotImplementedError


urlpatterns = [path("cases/", page, name="case_list"), path("freezes/", page, name="freeze_list")]


@override_settings(ROOT_URLCONF=__name__)
def test_rail_lists_only_what_exists_and_counts_what_waits():
    request = RequestFactory().get("/cases/")
    context = {"request": request, "nav": "case", "waiting": {"freeze": 4}}
    source = (
        "{% rail_groups as groups %}{% for title, places in groups %}{% for place in places %}"
        "{{ place.label }} {{ place.count }} {{ place.current }};{% endfor %}{% endfor %}"
    )
    assert draw(source, **context) == "Cases 0 True;Freezes 4 False;"
    assert draw(source, **context, rail_only={"freeze"}) == "Freezes 4 False;"
    assert draw(source, request=request) == "Cases 0 False;Freezes 0 False;"


def test_sort_heads_turn_round_and_drop_the_cursor():
    request = RequestFactory().get("/cases/?sort=opened_at&after=x&state=closed")
    shown = draw(
        '{% sort_head "Opened" "opened_at" %}{% sort_head "Title" "title" %}', request=request
    )
    assert 'aria-sort="ascending"' in shown
    assert "sort=-opened_at" in shown
    assert "state=closed" in shown
    assert "after=" not in shown


def test_money_flow_reads_the_layout_and_its_json_alike():
    flow = layout([Group("a", "A", role="bank"), Group("b", "B", lane=1, role="frozen")],
                  [Edge("a", "b", 5, key=True)], ["From", "To"])  # fmt: skip
    source = '{% money_flow flow "/inspect" %}{% flow_picture flow %}'
    shown = draw(source, flow=flow)
    assert shown == draw(source, flow=flow.to_json())
    assert "Key path only" in shown
    assert 'id="flow-data"' in shown


def test_a_report_names_its_receiver_and_not_its_profile() -> None:
    assert receiver_word("us-sarx-1.2") == "United States, FinCEN SAR"
    assert receiver_word("nobody") == "nobody"
