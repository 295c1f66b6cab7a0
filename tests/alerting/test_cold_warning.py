"""Early warning: a loss of cooling is told before the limit; use, defrosts and doors are not."""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerting.cold import course
from alerting.late import episodes
from alerting.parameters import limits_of
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.cold_warning import STEADY_RISE, UNSEEN, WARM_DAY, ColdWarning
from alerting.texts import render
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import Device, DeviceRole, DeviceStatus, Point, Reading, Truth
from tests.alerting.kitchen import START_MS

AIR = 1


def unit(role: DeviceRole) -> Subject:
    device = Device(1, "t:u", "t", DeviceStatus.ADOPTED, role=role, interval_s=300)
    return Subject(device, (Point(AIR, 1, "air", "temperature"),))


FRIDGE, FREEZER = unit(DeviceRole.FRIDGE), unit(DeviceRole.FREEZER)


def judge(subject: Subject, readings: Sequence[Reading], **numbers: float) -> list[Verdict]:
    """Return the warnings, each with the instant at which it was first said."""
    context = Context(limits=limits_of(SiteSettings(), subject.device) | numbers)
    _, verdicts = ColdWarning().step(
        subject, state={}, readings=readings, context=context, now_ms=START_MS
    )
    ended, lasting = episodes(verdicts)
    return [bad for bad, _ in ended] + ([lasting] if lasting else [])


def healthy(days: float, *, level: float = 4.0, seed: int = 1) -> Iterator[Reading]:
    """A unit in use: its compressor swings, and the door lets it up by 2 to 5 K now and then."""
    noise = random.Random(seed)
    up = 0.0
    for n in range(int(days * 288)):
        hour = n / 12 % 24
        if 6 <= hour <= 16 and noise.random() < 0.04:
            up = noise.uniform(2.0, 5.0)
        yield Reading(
            AIR,
            START_MS + n * 5 * MINUTE_MS,
            level + (n % 6) * 0.2 - 0.5 + up + noise.gauss(0, 0.05),
        )
        up *= 0.45


def failing(days: float, k_per_h: float, *, level: float = 4.0, hours: float = 12) -> list[Reading]:
    """Healthy, then without cooling, warming by `k_per_h`."""
    before = list(healthy(days, level=level))
    last = before[-1]
    rise = [
        Reading(AIR, last.at_ms + n * 5 * MINUTE_MS, level + 0.5 + k_per_h * n / 12)
        for n in range(1, int(hours * 12))
    ]
    return [*before, *rise]


@pytest.mark.parametrize("seed", range(4))
def test_a_unit_in_use_is_never_warned_of(seed: int) -> None:
    assert judge(FRIDGE, list(healthy(21, seed=seed))) == []
    assert judge(FREEZER, list(healthy(21, level=-19.0, seed=seed))) == []


@pytest.mark.parametrize("k_per_h", [0.2, 0.4, 0.8, 1.5, 2.5])
@pytest.mark.parametrize(("subject", "level", "limit"), [(FRIDGE, 4, 8), (FREEZER, -18, -12)])
def test_loss_of_cooling_is_warned_of_in_the_hours_before(
    subject: Subject, level: float, limit: float, k_per_h: float
) -> None:
    course_ = failing(9, k_per_h, level=level, hours=36)
    crosses = next(r.at_ms for r in course_ if r.value > limit and r.at_ms >= START_MS + 9 * DAY_MS)
    (warning,) = judge(subject, course_)
    assert 10 <= (crosses - warning.since_ms) / MINUTE_MS <= 180


def test_days_without_reserve_are_one_warning() -> None:
    """Warm every afternoon for four hours: one warning."""
    readings = [
        Reading(
            AIR,
            START_MS + n * 15 * MINUTE_MS,
            7.6 if n // 96 in (4, 5, 6) and 56 <= n % 96 < 72 else 4.0,
        )
        for n in range(12 * 96)
    ]
    (warning,) = judge(FRIDGE, readings, interval_s=900.0)
    assert warning.evidence["sign"] == WARM_DAY
    assert warning.evidence["warm_c"] == pytest.approx(7.6)
    assert warning.since_ms >= START_MS + 4 * DAY_MS + 14 * HOUR_MS


@settings(max_examples=20)
@example(every_h=4, minutes=38, peak_k=13.0, seed=0)
@given(
    every_h=st.sampled_from([4, 6, 8, 12, 24, 37]),
    minutes=st.integers(15, 40),
    peak_k=st.floats(4.0, 14.0),
    seed=st.integers(0, 99),
)
def test_no_defrost_is_warned_of(every_h: int, minutes: int, peak_k: float, seed: int) -> None:
    """Up quickly, down within three quarters of an hour, at any depth and as often as it likes."""
    noise = random.Random(seed)
    readings = []
    for n in range(6 * 288):
        since_min = n * 5 % (every_h * 60)
        up = 0.0
        if n * 5 >= every_h * 60 and since_min < minutes:
            up = peak_k * min(1.0, (since_min + 5) / 10)
        elif n * 5 >= every_h * 60 and since_min < 45:
            up = peak_k * max(0.0, 1 - (since_min - minutes + 5) / 10)
        value = -20.0 + up + noise.gauss(0, 0.1)
        readings.append(Reading(AIR, START_MS + n * 5 * MINUTE_MS, value))
    assert judge(FREEZER, readings) == []


def test_beyond_the_limit_it_begins_no_warning() -> None:
    before = list(healthy(9))
    jump = [Reading(AIR, before[-1].at_ms + n * 5 * MINUTE_MS, 14.0) for n in range(1, 60)]
    assert judge(FRIDGE, [*before, *jump]) == []


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 900), max_size=6))
def test_restarts_change_nothing(cuts: list[int]) -> None:
    """Judged in pieces, with the state through the journal's JSON, it says the same at the end."""
    readings = failing(3, 1.2, hours=6)
    limits = Context(limits=limits_of(SiteSettings(), FRIDGE.device))
    rule, state, said = ColdWarning(), State(), []
    edges = [0, *sorted(min(cut, len(readings)) for cut in cuts), len(readings)]
    for start, end in pairwise(edges):
        given_ = json.dumps(state)
        state, verdicts = rule.step(
            FRIDGE, state=state, readings=readings[start:end], context=limits, now_ms=START_MS
        )
        assert json.dumps(json.loads(given_)) == given_
        state = json.loads(json.dumps(state))
        said += [v for v in verdicts if v.truth is Truth.BAD]
    whole, verdicts = rule.step(
        FRIDGE, state={}, readings=readings, context=limits, now_ms=START_MS
    )
    assert state == json.loads(json.dumps(whole))
    assert said[-1].evidence == verdicts[-1].evidence
    assert said[0].since_ms == verdicts[0].since_ms


@given(
    values=st.lists(st.floats(-30, 30), min_size=60, max_size=200),
    silent=st.lists(st.integers(0, 190), max_size=4),
)
def test_the_day_and_the_week_are_those_of_the_half_hours(
    values: list[float], silent: list[int]
) -> None:
    """Against the same said plainly over the whole list, hours without data among them."""
    state: State = {}
    seen: list[float | None] = []
    for n, value in enumerate(values):
        if n in silent and n:
            seen.append(None)
            continue
        seen.append(round(value, 3))
        course.take(state, value, START_MS // DAY_MS * DAY_MS + n * course.HALF_MS)
    if seen[-1] is None:
        return
    closed = seen[:-1]
    day = sorted((v for v in closed[-48:] if v is not None), reverse=True)
    assert course.warm_c(state) == (day[4] if len(day) >= 12 else None)
    older = [v for v in closed[:-5] if v is not None]  # less than a week of them
    expected = max(older) if older and len(closed) >= 48 else None
    assert course.week_c(state) == expected


@pytest.mark.parametrize(
    ("lang", "sign", "said"),
    [
        ("zh-CN", WARM_DAY, "°C 以上，已经没有余量"),
        ("zh-CN", UNSEEN, "5.1 °C"),
        ("en", WARM_DAY, "no reserve is left"),
        ("en", STEADY_RISE, "never above 5.1 °C"),
    ],
)
def test_the_text_says_what_the_sign_was(lang: str, sign: str, said: str) -> None:
    figures = {"air_c": 7.2, "limit_c": 8.0, "sign": sign, "warm_c": 7.0, "week_c": 5.1}
    heading, text = render(
        lang=lang,
        rule="cold_warning",
        kind="raised",
        device="F",
        since_ms=START_MS,
        zone=ZoneInfo("Asia/Shanghai"),
        evidence=figures,
    )
    assert "7.2" in heading
    assert said in text
