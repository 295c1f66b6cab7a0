"""What the decoder makes of real messages, family by family; lower than this is a step back."""

from pathlib import Path

import pytest

from tests.corpus.score import Score, frames, run

STABLE = {
    "01_zigbee2mqtt": 0.99,
    "02_tasmota": 0.99,
    "03_shelly": 0.99,
    "04_wmbusmeters": 0.99,
    "05_rtl433": 0.99,
    # the rest are lowest, highest and peak values, and logs from before 2020 or in 2064
    "06_lorawan": 0.9,
    "08_homie_esphome_ha_omg": 0.99,
    # the rest is no valid JSON; a value whose unit stands in a platform's model is held
    "09_chinese_gateways": 0.98,
    # an emonTx frame by position, whose names stand in its owner's configuration, is not read
    "10_plain": 0.95,
}
"""Families and the share that must come out: 0.99 where the grammar names the unit."""


ENVELOPES = {"06_lorawan": 0.9, "09_chinese_gateways": 0.97}
"""Families whose meaning stands in a second message or is up to the device: no step back."""


@pytest.fixture(scope="module")
def scores(payloads: Path) -> dict[str, Score]:
    return {score.family: score for score in run(payloads)}


@pytest.mark.parametrize("family", STABLE)
def test_a_stable_grammar_is_read(family: str, scores: dict[str, Score]) -> None:
    score = scores[family]
    assert score.share >= STABLE[family], "\n".join(n.what for n in score.notes)


@pytest.mark.parametrize("family", ENVELOPES)
def test_what_was_read_of_an_envelope_is_still_read(family: str, scores: dict[str, Score]) -> None:
    assert scores[family].share >= ENVELOPES[family]


def test_every_frame_with_a_right_checksum_is_read(payloads: Path) -> None:
    score = frames(payloads)
    assert score.messages > 20
    assert score.extracted == score.expected, "\n".join(n.what for n in score.notes)


def test_nothing_of_the_past_is_taken_for_now(scores: dict[str, Score]) -> None:
    wrong = [
        f"{score.family} {note.row} {note.kind}: {note.what}"
        for score in scores.values()
        for note in score.notes
        if note.kind in {"false live", "sentinel read", "collision"}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_driver_fails_at_a_real_message(scores: dict[str, Score]) -> None:
    assert {s.family: n for s in scores.values() if (n := s.reasons["driver-fault"])} == {}
