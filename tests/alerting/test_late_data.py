"""Late data is judged, in whatever order it comes; a restart anywhere changes nothing (I5, D18)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.late import episodes, load_readings
from alerting.past import PastJudge
from caretaker.clock import DAY_MS, MINUTE_MS
from caretaker.vocabulary import Arrival, Measured, Quality
from storage import audit
from storage.connection import open_reader
from storage.incidents import Incident
from tests.alerting.kitchen import START_MS, At, Kitchen, Tap, arrival

WARM = "cold_storage_warm"
EXACT = (WARM, "food_hold", "cold_storage_cold", "sensor_stuck", "sensor_implausible", "cold_unit")


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    made = Kitchen(tmp_path / "j.sqlite3")
    yield made
    made.close()


def settle(kitchen: Kitchen) -> None:
    """Let the moment pass after which late data is judged."""
    for _ in range(3):
        kitchen.clock.advance(MINUTE_MS)
        kitchen.journal.append([])


def reference(kitchen: Kitchen) -> dict[str, tuple[Any, int]]:
    """Step the rules once through everything in the journal, in event order: (state, excursions).

    This evaluator has no checkpoints, no batches and no order of arrival.
    """
    found: dict[str, tuple[Any, int]] = {}
    connection = open_reader(kitchen.path)
    for post in kitchen.engine.roster.posts[kitchen.device("fridge")]:
        readings = load_readings(connection, sorted(post.points), start_ms=0, end_ms=2**62)
        state, verdicts = post.rule.step(
            post.subject,
            state={},
            readings=readings,
            context=post.context,
            now_ms=kitchen.engine.clocks[post.subject.device.id],
        )
        ended, lasting = episodes(verdicts)
        found[post.rule.name] = (json.loads(json.dumps(state)), len(ended) + (lasting is not None))
    connection.close()
    return found


def of(kitchen: Kitchen, rule: str) -> list[Incident]:
    return [item for item in kitchen.seen().incidents if item.rule == rule]


def test_two_hot_hours_that_come_later_are_told_as_late(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), until=300)
    hot = [arrival("fridge", START_MS + (60 + m) * MINUTE_MS + 1, food=12.0) for m in range(120)]
    kitchen.journal.append(hot)
    settle(kitchen)
    (found,) = of(kitchen, WARM)
    assert found.evidence["late"] == 1
    assert found.since_ms == START_MS + 60 * MINUTE_MS + 1  # the time of the event, not of arrival
    assert found.severity.value == "critical"


def test_a_backlog_between_two_known_readings_is_judged_as_if_it_had_come(
    kitchen: Kitchen,
) -> None:
    kitchen.live(At(0, air=4.0), At(60, air=None), At(180, air=4.0), until=300)
    silent = of(kitchen, "device_silent")
    hot = [arrival("fridge", START_MS + m * MINUTE_MS, air=12.0) for m in range(62, 178, 5)]
    kitchen.journal.append(hot[::-1])
    settle(kitchen)
    (found,) = of(kitchen, WARM)
    assert found.since_ms == START_MS + 62 * MINUTE_MS
    assert len(of(kitchen, "device_silent")) == len(silent)  # what was told is not taken back
    assert kitchen.engine.states["device_silent", kitchen.device("fridge")].get("gaps", []) == []


def test_late_cool_readings_end_a_false_alarm(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), At(60, air=9.0), until=80)
    assert [i.state for i in of(kitchen, WARM)] == ["firing"]
    cool = [arrival("fridge", START_MS + 67 * MINUTE_MS, air=4.0)]
    kitchen.journal.append(cool)  # between two warm samples it was cool: never 15 min warm
    settle(kitchen)
    assert of(kitchen, WARM)[0].recovered_ms is not None


def test_data_from_beyond_the_horizon_is_kept_and_not_judged(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), until=60)
    kitchen.journal.append(
        [
            arrival("fridge", START_MS - 60 * 1440 * MINUTE_MS + m * MINUTE_MS, air=20.0)
            for m in range(60)
        ]
    )
    kitchen.journal.append([arrival("fridge", START_MS - 401 * 1440 * MINUTE_MS, air=20.0)])
    settle(kitchen)
    assert of(kitchen, WARM) == []  # the present's memory is not touched
    assert kitchen.engine.late.unjudged == 1


def summer(kitchen: Kitchen, *, days: range, warm_day: int) -> None:
    """Let the gateway bring what it kept, a day a message, the fridge warm for two hours once."""
    for day in days:
        day_ms = START_MS - day * DAY_MS
        kitchen.journal.append(
            [
                arrival(
                    "fridge", day_ms + m * MINUTE_MS,
                    air=15.0 if day == warm_day and 600 <= m < 720 else 4.0,
                )
                for m in range(0, 1440, 5)
            ]
        )  # fmt: skip


@pytest.mark.parametrize("restart", [False, True], ids=["on", "restart"])
def test_what_a_gateway_kept_over_the_summer_is_recorded_and_wakes_nobody(
    kitchen: Kitchen, restart: bool
) -> None:
    kitchen.live(At(0, air=4.0), until=60)
    summer(kitchen, days=range(62, 54, -1), warm_day=58)
    held = json.dumps(kitchen.engine.states[WARM, kitchen.device("fridge")], sort_keys=True)
    if restart:
        kitchen.restart()
    past = PastJudge(kitchen.journal, kitchen.engine, clock=kitchen.clock)
    assert past.step() == 0  # more may come
    kitchen.clock.advance(2 * MINUTE_MS)
    assert past.step() >= 1
    (found,) = of(kitchen, WARM)
    day_ms = START_MS - 58 * DAY_MS
    assert found.state == "resolved"
    assert found.severity.value == "critical"
    assert found.since_ms == day_ms + 600 * MINUTE_MS
    assert day_ms + 720 * MINUTE_MS <= (found.recovered_ms or 0) <= day_ms + 800 * MINUTE_MS
    assert found.evidence["late"] == 1
    with kitchen.journal.reader() as connection:
        assert not connection.execute(
            "SELECT 1 FROM outbox WHERE incident = ?", (found.id,)
        ).fetchall()
        records = connection.execute("SELECT incident FROM corrective_action").fetchall()
        assert found.id in {row[0] for row in records}
        assert audit.verify(connection) == 0
    settle(kitchen)
    kitchen.engine.devices_changed()
    settle(kitchen)
    assert json.dumps(kitchen.engine.states[WARM, kitchen.device("fridge")], sort_keys=True) == held
    assert past.step() == 0
    kitchen.journal.append([arrival("fridge", day_ms + 1, air=4.0)])  # one more: nothing is new
    kitchen.clock.advance(2 * MINUTE_MS)
    assert past.step() == 0
    assert len(of(kitchen, WARM)) == 1


def test_a_disposition_recorded_late_counts_from_its_moment(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0, food=4.0), At(20, food=9.0), At(90, food=4.0), until=160)
    device = kitchen.device("fridge")
    assert kitchen.engine.states["food_hold", device]["exposure_ms"] > 60 * MINUTE_MS
    kitchen.tap(Tap(100, "disposition"))
    settle(kitchen)
    assert kitchen.engine.states["food_hold", device]["exposure_ms"] == 0


VALUES = st.lists(
    st.sampled_from([3.0, 4.0, 7.8, 8.4, 9.0, 11.0, 13.5, -0.6]), min_size=12, max_size=60
)


def minutes(values: Sequence[float]) -> list[Arrival]:
    return [
        arrival("fridge", START_MS + n * 5 * MINUTE_MS, air=value, food=min(value, 9.0))
        for n, value in enumerate(values)
    ]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=CHECKS,
)
@given(values=VALUES, order=st.randoms(use_true_random=False), cuts=st.lists(st.integers(0, 60)))
def test_the_outcome_does_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    order: Any,
    cuts: list[int],
) -> None:
    kitchen = Kitchen(tmp_path_factory.mktemp("o") / "j.sqlite3")
    sent = minutes(values)
    late = sorted(order.sample(range(len(sent)), len(sent) // 3))
    first = [item for n, item in enumerate(sent) if n not in late]
    later = [sent[n] for n in late]
    order.shuffle(later)
    for n, item in enumerate([*first, *later]):
        kitchen.clock.at_ms = max(kitchen.clock.at_ms, item.received_ms)
        if n in cuts:
            kitchen.restart()
        kitchen.journal.append([item])
    settle(kitchen)
    settle(kitchen)
    device = kitchen.device("fridge")
    expected = reference(kitchen)
    for rule in EXACT:
        held = json.loads(json.dumps(kitchen.engine.states.get((rule, device), {})))
        assert held == expected[rule][0], rule
    # Every excursion of the reference has its incident; one more may have been told by what
    # was known before the late data came, and it has recovered.
    found = of(kitchen, WARM)
    assert bool(found) >= bool(expected[WARM][1])
    standing = bool(expected[WARM][0].get("bad"))
    assert standing == any(item.state in {"firing", "acknowledged"} for item in found)
    assert not kitchen.engine.faults
    assert kitchen.journal.judge_failures == 0
    kitchen.close()


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=CHECKS,
)
@given(values=VALUES, cuts=st.sets(st.integers(0, 60), min_size=1, max_size=6), door=st.booleans())
def test_a_restart_between_any_two_readings_gives_the_same_incidents(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], cuts: set[int], door: bool
) -> None:
    told = []
    for restarts in (set[int](), cuts):
        kitchen = Kitchen(tmp_path_factory.mktemp("r") / "j.sqlite3")
        events: list[At | Tap] = [At(n * 5, air=v) for n, v in enumerate(values)]
        if door:
            events += [At(0, "door", door=0.0), At(22, "door", door=1.0), At(41, "door", door=0.0)]

        def between(minute: float, kitchen: Kitchen = kitchen, at: set[int] = restarts) -> None:
            if minute / 5 in at:
                kitchen.restart()

        seen = kitchen.live(
            *sorted(events, key=lambda e: e.minute), until=len(values) * 5, between=between
        )
        told.append(
            sorted(
                (line.minute, line.unit, line.rule, line.kind, line.severity)
                for line in seen.lines
                if line.unit == "fridge" and line.rule != "device_silent"
            )
        )
        kitchen.close()
    assert told[0] == told[1]


def test_an_excursion_that_spans_an_outage_is_judged_by_its_own_time(kitchen: Kitchen) -> None:
    """D2: the broker held the messages while Caretaker was down."""
    kitchen.live(At(0, air=4.0), At(20, air=9.0), until=30)
    kitchen.close()
    kitchen.clock.advance(120 * MINUTE_MS)
    kitchen.open()
    held = [arrival("fridge", START_MS + m * MINUTE_MS, air=9.0) for m in range(35, 151, 5)]
    kitchen.journal.append(held)
    seen = kitchen.seen()
    seen.expect(WARM, "notice", between=(35, 35))
    seen.expect(WARM, "alarm", between=(50, 50))
    assert seen.of("device_silent") == []  # nothing was missing


def test_silence_during_an_outage_is_told_afterwards(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), until=30)
    kitchen.close()
    kitchen.clock.advance(180 * MINUTE_MS)
    kitchen.open()
    seen = kitchen.live(until=225)
    assert seen.expect("device_silent", "alarm", between=(59, 62))  # due half an hour after
    # and what speaks again within its interval is no alarm of its own making
    fine = Kitchen(kitchen.path.with_name("k.sqlite3"))
    fine.live(At(0, air=4.0), until=30)
    fine.restart()
    seen = fine.live(until=60)
    assert [line for line in seen.of("device_silent") if line.unit == "fridge"] == []
    fine.close()


def test_a_device_that_was_never_heard_is_silent(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), until=40)
    found = {(i.device, i.state) for i in of(kitchen, "device_silent")}
    assert (kitchen.device("freezer"), "firing") in found


@pytest.mark.parametrize("step_min", [-60, -1440])
def test_a_clock_set_back_delays_no_alert(kitchen: Kitchen, step_min: int) -> None:
    """F17: readings without a time of their own bear the machine's, which jumps back."""

    def send(value: float) -> None:
        now_ms = kitchen.clock.now_ms()
        measured = (Measured("air", "temperature", now_ms, value, Quality.NO_CLOCK),)
        kitchen.journal.append([Arrival("t", b"x", now_ms, "t:fridge", "t", measured)])
        kitchen.clock.advance(5 * MINUTE_MS)

    for _ in range(30):
        send(4.0)
    kitchen.clock.advance(step_min * MINUTE_MS)
    for _ in range(9):
        send(10.0)
    assert [i.severity.value for i in of(kitchen, WARM)] == ["alarm"]
    assert not kitchen.engine.faults


def test_a_device_clock_beside_the_point_judges_by_its_own_order(kitchen: Kitchen) -> None:
    """F17: five minutes slow or fast, the durations between its readings are what counts."""
    for skew in (-5, 5):
        made = Kitchen(kitchen.path.with_name(f"{skew}.sqlite3"))
        for n in range(20):
            at_ms = made.clock.now_ms() + skew * MINUTE_MS
            made.journal.append([arrival("fridge", at_ms, air=4.0 if n < 10 else 10.0)])
            made.clock.advance(5 * MINUTE_MS)
        assert [i.severity.value for i in of(made, WARM)] == ["alarm"], skew
        assert [i for i in of(made, "device_silent") if i.device == made.device("fridge")] == []
        made.close()
