"""`{% load release %}`: what a release says, in plain words. Used by its page and its preview."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django import template
from django.utils.html import conditional_escape, format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cases import report_words
from cases.dossier import Dossier, DossierFinding, Redaction, redactions_in
from cases.dossier_grants import GrantedAccount, accounts_granted
from cases.exports import flow_svg
from cases.release_words import (
    OFFICES,
    STEPS,
    TIERS,
    field_words,
    reason_words,
    sharing_words,
)
from fiu.templatetags.casework import joined
from fiu.templatetags.icons import icon

register = template.Library()

LANES = 3  # of a window of the picture, as wide as the page's column


@dataclass(frozen=True)
class Held:
    """What is held of one asset; `fiat` is its worth at execution, None if a part is unknown."""

    symbol: str
    decimals: int
    base: int
    fiat: Decimal | None
    currency: str
    num_accounts: int


@dataclass(frozen=True)
class AmountSum:
    """The amounts of a finding in one asset, added up; base units."""

    symbol: str
    decimals: int
    base: int
    low: int
    high: int
    num_coins: int


@dataclass(frozen=True)
class LeftOut:
    """One field that this recipient does not get."""

    where: str
    what: str
    why: str


@register.simple_tag
def held_in(dossier: Dossier) -> list[Held]:
    """`{% held_in dossier as held %}`: one sum per asset over all freezes of the release."""
    lines = [line for freeze in dossier.freezes for line in freeze.lines]
    found = []
    for asset in sorted({line.asset for line in lines}):
        mine = [line for line in lines if line.asset == asset]
        values = [Decimal(line.fiat_value) if line.fiat_value else None for line in mine]
        known = [value for value in values if value is not None]
        found.append(
            Held(
                mine[0].symbol,
                mine[0].decimals,
                sum(int(line.held) for line in mine),
                sum(known, Decimal(0)) if len(known) == len(values) else None,
                mine[0].fiat_currency or "USD",
                len(mine),
            )
        )
    return found


@register.simple_tag
def sums_of(finding: DossierFinding) -> list[AmountSum]:
    """`{% sums_of finding as sums %}`: one row per asset; empty where amounts were left out."""
    if isinstance(finding.amounts, Redaction):
        return []
    found = []
    for asset in sorted({each.asset for each in finding.amounts}):
        mine = [each for each in finding.amounts if each.asset == asset]
        found.append(
            AmountSum(
                mine[0].symbol,
                mine[0].decimals,
                sum(int(each.base) for each in mine),
                sum(int(each.low) for each in mine),
                sum(int(each.high) for each in mine),
                len(mine),
            )
        )
    return found


@dataclass(frozen=True)
class Player:
    """The flow at one moment: `step` of `last`; 0 is the whole of it."""

    pictures: list[SafeString]
    step: int
    last: int
    day: str
    num_seen: int
    num_all: int

    @property
    def before(self) -> int:
        """The step before this one; of the whole flow the last but one."""
        return max((self.step or self.last) - 1, 1)

    @property
    def after(self) -> int:
        """The next step, 0 once everything is shown."""
        return self.step + 1 if self.step < self.last else 0


@register.simple_tag
def flow_player(dossier: Dossier, asked: str = "") -> Player | None:
    """`{% flow_player dossier step as player %}`: the money flow up to that step; None untraced.

    What is no step shows the whole flow.
    """
    steps = flow_svg.steps_of(dossier)
    if not steps:
        return None
    known = asked.isascii() and asked.isdecimal() and len(asked) < 4
    step = int(asked) if known and int(asked) <= len(steps) else 0
    until = steps[step - 1] if step else steps[-1]
    moves = {(run.number, move.txid): move.at for run in dossier.runs for move in run.moves}
    drawn = (
        flow_svg.render_bands_at(dossier, until, LANES)
        if step
        else flow_svg.render_bands(dossier, LANES)
    )
    return Player(
        # Our own pictures: every text in them is escaped where it is drawn.
        pictures=[mark_safe(each.decode()) for each in drawn],
        step=step,
        last=len(steps),
        day=until,
        num_seen=sum(at <= until for at in moves.values()),
        num_all=len(moves),
    )


@register.filter
def may_share(dossier: Dossier) -> str:
    """What its recipient may do with it, by its markings."""
    return sharing_words(dossier.tlp, dossier.handling_code)


@register.filter
def fixed_word(words: str) -> str:
    """A word that the dossier takes from a fixed list, in the language of its reader."""
    language = get_language() or "en"
    return report_words.say(words, "zh-Hant" if language == "zh-hant" else language)


@register.filter
def field_word(name: str) -> str:
    """The name of a field of a dossier in words."""
    return field_words(name)


@register.filter
def text_or_box(value: str | Redaction) -> SafeString:
    """A text of the dossier in paragraphs, or the labelled box that stands in its place."""
    if isinstance(value, Redaction):
        return left_out_box(value)
    # linebreaks escapes each paragraph itself
    return mark_safe(linebreaks(value, autoescape=True)) if value else _nothing()


@register.filter
def word_or_box(value: str | Redaction) -> SafeString:
    """A short text of the dossier within a line, or its box."""
    if isinstance(value, Redaction):
        return left_out_box(value)
    return mark_safe(conditional_escape(value))  # escaped on this very line


def left_out_box(value: Redaction) -> SafeString:
    """The box of a field that was left out, with its reason."""
    words = _("Left out: %(why)s") % {"why": reason_words(value.redacted)}
    return format_html('<span class="redacted">{}</span>', words)


@register.filter
def is_left_out(value: object) -> bool:
    """Whether a field of the dossier was left out."""
    return isinstance(value, Redaction)


@register.simple_tag
def left_out(dossier: Dossier) -> list[LeftOut]:
    """`{% left_out dossier as gaps %}`: every field that was left out, where and why."""
    found: dict[LeftOut, None] = {}  # a field of a freeze stands on each of its lines: told once
    for path, code in redactions_in(dossier):
        where, _dot, field = path.rpartition(".")
        owner = where.partition(".")[0]  # a line of a freeze has no number of its own
        found[LeftOut(owner, field_words(field), reason_words(code))] = None
    return list(found)


@register.simple_tag
def granted_in(dossier: Dossier) -> list[GrantedAccount]:
    """`{% granted_in dossier as grants %}`: a row for each account, person or request."""
    return accounts_granted(dossier)


@register.filter
def fixed_words(words: Iterable[str]) -> str:
    """As `fixed_word`, of several, one after the other as the reader's language joins them."""
    return joined([fixed_word(each) for each in words])


@register.filter
def reason_word(code: str) -> str:
    """Why something was not granted."""
    return reason_words(code)


@register.filter
def step_word(step: str) -> str:
    """The step of a release that somebody decided; an unknown one stays as it is."""
    return str(STEPS.get(step, step))


@register.filter
def office_word(office: str) -> str:
    """The office of somebody of the house; an unknown one stays as it is."""
    return str(OFFICES.get(office, office))


@register.filter
def tier_words(number: int) -> str:
    """What a tier means for somebody who never saw the word."""
    return str(TIERS.get(number, ""))


@register.simple_tag
def tier_plain(number: int) -> SafeString:
    """`{% tier_plain finding.tier %}`: the tier and its meaning, both written out."""
    tone = "warn" if number >= 3 else "good"
    return format_html(
        '<span class="row"><span class="badge tone-{}">{}{}</span><span>{}</span></span>',
        tone,
        icon("scale"),
        _("Tier %(number)d") % {"number": number},
        tier_words(number),
    )


def _nothing() -> SafeString:
    return format_html('<span class="ink-2">{}</span>', _("none given"))
