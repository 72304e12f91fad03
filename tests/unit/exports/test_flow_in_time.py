"""The money flow of a release up to a moment: places kept, amounts of then, nothing from later."""

import re
from dataclasses import replace

import pytest

from cases.dossier import DossierMove
from cases.exports import flow_svg
from fiu.templatetags.release import flow_player
from tests.packs import DOSSIER, RUN

FIRST, LAST = "2025-01-05T00:00:00Z", "2025-01-06T00:00:00Z"
PLACE = re.compile(rb'<rect class="fl-card[^"]*" x="([^"]+)" y="([^"]+)"')


def cards(pictures: list[bytes]) -> list[tuple[bytes, bytes]]:
    return PLACE.findall(pictures[0])


def test_the_moments_are_those_of_the_transactions_in_order() -> None:
    assert flow_svg.steps_of(DOSSIER) == [FIRST, LAST]
    assert flow_svg.steps_of(replace(DOSSIER, runs=())) == []


def test_many_moments_are_taken_together_and_the_last_one_is_all() -> None:
    moves = tuple(
        DossierMove(f"{n:064x}", n, f"2025-01-{1 + n // 24:02}T{n % 24:02}:00:00Z", side,
                    f"{n:064x}:0", f"a{n + (side == 'out')}", "5")
        for n in range(300) for side in ("in", "out")
    )  # fmt: skip
    long = replace(DOSSIER, runs=(replace(RUN, moves=moves),))
    steps = flow_svg.steps_of(long)
    assert len(steps) == flow_svg.MOST_STEPS
    assert steps == sorted(set(steps))
    assert steps[-1] == max(move.at for move in moves)
    [folded] = flow_svg.render_bands_at(long, steps[30], 99)
    assert b"addresses between" in folded


def test_what_had_not_happened_is_not_drawn_and_no_card_moves() -> None:
    whole = flow_svg.render_bands(DOSSIER, 9)
    then = flow_svg.render_bands_at(DOSSIER, FIRST, 9)
    assert flow_svg.render_bands_at(DOSSIER, LAST, 9) == whole
    assert flow_svg.render_bands_at(DOSSIER, FIRST, 9) == then
    assert len(cards(whole)) == 3
    assert set(cards(then)) < set(cards(whole))
    assert len(cards(then)) == 2
    assert b"8.2018" not in then[0]


def test_windows_to_which_nothing_came_yet_are_left_out() -> None:
    assert len(flow_svg.render_bands(DOSSIER, 1)) == 3
    assert len(flow_svg.render_bands_at(DOSSIER, FIRST, 1)) == 2


@pytest.mark.parametrize("asked", ["", "0", "99", "-1", "x", "٣", "9" * 5000])
def test_what_is_no_step_shows_the_whole_flow(asked: str) -> None:
    player = flow_player(DOSSIER, asked)
    assert player is not None
    assert (player.step, player.num_seen, player.num_all) == (0, 2, 2)


def test_a_step_leads_on_until_everything_is_shown() -> None:
    first, last = flow_player(DOSSIER, "1"), flow_player(DOSSIER, "2")
    assert first is not None
    assert last is not None
    assert (first.before, first.after, first.num_seen) == (1, 2, 1)
    assert (last.before, last.after, last.num_seen) == (1, 0, 2)
    assert flow_player(replace(DOSSIER, runs=()), "1") is None


def test_a_long_name_on_a_card_keeps_the_number_of_its_account() -> None:
    named = [
        replace(finding, amounts=tuple(
            replace(amount, label="Sample Courier 000003 ••OP-3") for amount in finding.amounts
        ))
        for finding in DOSSIER.findings if isinstance(finding.amounts, tuple)
    ]  # fmt: skip
    [picture] = flow_svg.render_bands(replace(DOSSIER, findings=tuple(named)), 99)
    assert "Sample Courier 0000…••OP-3".encode() in picture
    assert max(len(text) for text in re.findall(r">([^<]+)</text>", picture.decode())) < 30
