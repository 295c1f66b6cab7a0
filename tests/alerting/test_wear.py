"""What wears out is told days before it fails, and a healthy unit never is."""

import random
from collections.abc import Iterator

import pytest

from alerting.late import episodes
from alerting.parameters import limits_of
from alerting.port import Context, Rule, Subject
from alerting.rules.pull_down import PullDown
from alerting.rules.wear import CompressorDuty, DefrostDrift
from caretaker.clock import DAY_MS, MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point, Reading
from tests.alerting.kitchen import START_MS

FRIDGE = Subject(
    Device(1, "t:f", "t", DeviceStatus.ADOPTED, role=DeviceRole.FRIDGE, interval_s=300),
    (Point(1, 1, "air", "temperature"), Point(2, 1, "", "power"), Point(3, 1, "", "defrost")),
)
AIR, POWER, DEFROST = 1, 2, 3


def onsets(rule: Rule, readings: Iterator[Reading]) -> list[float]:
    """Return the days on which the rule begins to speak."""
    context = Context(limits=limits_of(SiteSettings(), FRIDGE.device))
    _, verdicts = rule.step(
        FRIDGE, state={}, readings=list(readings), context=context, now_ms=START_MS
    )
    ended, lasting = episodes(verdicts)
    found = [bad.since_ms for bad, _ in ended] + ([lasting.since_ms] if lasting else [])
    return [(at - START_MS) / DAY_MS for at in found]


def cycles(days: int, *, share: float, weak_from: float = 1e9) -> Iterator[Reading]:
    """A compressor that runs `share` of each half hour; weak, it hardly stops."""
    noise = random.Random(1)
    for n in range(days * 288):
        at = START_MS + n * 5 * MINUTE_MS
        weak = n / 288 >= weak_from
        runs = (n % 6) / 6 < (0.97 if weak else share)
        swing = (n % 6) / 6 * 1.2
        yield Reading(AIR, at, 4.0 + swing * (0.3 if weak else 1.0) + noise.gauss(0, 0.03))
        yield Reading(POWER, at, 0.26 if runs else 0.009)


def test_a_compressor_that_hardly_stops_is_told_within_a_day() -> None:
    assert onsets(CompressorDuty(), cycles(14, share=0.5)) == []
    assert onsets(CompressorDuty(), cycles(14, share=0.86)) == []  # it always did: usual
    (day,) = onsets(CompressorDuty(), cycles(14, share=0.5, weak_from=9))
    assert 9 <= day <= 10


def defrosts(days: int, *, minutes: float, longer_from: float = 1e9) -> Iterator[Reading]:
    for n in range(days * 3):
        at = START_MS + n * 480 * MINUTE_MS
        length = minutes * (1.8 if n / 3 >= longer_from else 1.0)
        yield Reading(DEFROST, at, 1.0)
        yield Reading(DEFROST, at + round(length * MINUTE_MS), 0.0)


def test_defrosts_that_take_longer_are_told_within_three_days() -> None:
    assert onsets(DefrostDrift(), defrosts(30, minutes=18)) == []
    (day,) = onsets(DefrostDrift(), defrosts(20, minutes=18, longer_from=12))
    assert 12 <= day <= 15


def openings(days: int, *, per_k: float, slower_from: float = 1e9) -> Iterator[Reading]:
    """Each two hours the door lets the air up by 4 K; it comes down `per_k` minutes a kelvin."""
    for n in range(days * 1440):
        at, minute = START_MS + n * MINUTE_MS, n % 120
        pace = per_k * (2.5 if n / 1440 >= slower_from else 1.0)
        up = min(4.0, minute * 1.0) if minute <= 4 else max(0.0, 4.0 - (minute - 4) / pace)
        yield Reading(AIR, at, 4.0 + up)


@pytest.mark.parametrize("per_k", [4.0, 8.0])
def test_cooling_down_that_slows_is_told_within_a_day(per_k: float) -> None:
    assert onsets(PullDown(), openings(6, per_k=per_k)) == []
    (day,) = onsets(PullDown(), openings(6, per_k=per_k, slower_from=4))
    assert 4 <= day <= 5


def test_air_sampled_each_quarter_hour_tells_nothing_of_the_compressor() -> None:
    """Its cycles are shorter than that; what looks like them is chance."""
    device = Device(1, "t:f", "t", DeviceStatus.ADOPTED, role=DeviceRole.FRIDGE, interval_s=900)
    seldom = Subject(device, FRIDGE.points)
    context = Context(limits=limits_of(SiteSettings(), device))
    air = [r for r in cycles(14, share=0.5, weak_from=9) if r.point == AIR][::3]
    state, verdicts = CompressorDuty().step(
        seldom, state={}, readings=air, context=context, now_ms=START_MS
    )
    assert verdicts == []
    assert "duty" not in state


def test_pull_downs_of_uneven_use_are_no_wear() -> None:
    """Full and empty shelves cool differently: one in five takes three times as long."""
    noise = random.Random(3)
    readings, at = [], START_MS
    for _ in range(400):
        pace = noise.uniform(4.5, 5.5) * (3.0 if noise.random() < 0.2 else 1.0)
        for minute in range(0, 150, 5):
            up = 4.0 if minute < 10 else max(0.0, 4.0 - (minute - 10) / pace)
            readings.append(Reading(AIR, at + minute * MINUTE_MS, 4.0 + up))
        at += 150 * MINUTE_MS
    assert onsets(PullDown(), iter(readings)) == []
