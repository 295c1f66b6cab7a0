"""The rules on timelines: minutes become incidents exactly when the rule-book says."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerting.engine import Engine
from alerting.lifecycle import Lifecycle
from alerting.rules import standard_rules
from caretaker.clock import MINUTE_MS, QUARTER_MS, ManualClock
from caretaker.config import DeviceSettings, SiteSettings
from caretaker.vocabulary import Arrival, Measured, Quality
from ingest.metering import intervals
from storage import incidents
from storage.devices import apply_file_settings
from storage.incidents import Incident
from storage.journal import Journal

START_MS = 1_788_220_800_000
DEVICES = (
    DeviceSettings(key="t:fridge", name="1号冰箱", role="fridge", interval_s=300),
    DeviceSettings(key="t:freezer", name="冷冻柜", role="freezer", interval_s=300),
    DeviceSettings(key="t:toilets", name="厕所", role="water", parent="t:main", interval_s=900),
    DeviceSettings(key="t:main", name="总表", role="water", interval_s=900),
)
SITE = SiteSettings(devices=DEVICES)


class Rig:
    """A journal with the rules at work, moved by hand."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(START_MS)
        self.path = path
        self.open()
        self.journal.call(lambda c: apply_file_settings(c, DEVICES, now_ms=START_MS))
        self.engine.devices_changed()

    def open(self) -> None:
        self.journal = Journal(
            self.path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        self.engine = Engine(standard_rules(SITE), lifecycle=Lifecycle(SITE))
        self.journal.set_judge(self.engine)

    def send(
        self,
        device: str,
        value: float,
        *,
        quantity: str = "temperature",
        channel: str = "air",
        quality: Quality = Quality.GOOD,
    ) -> None:
        at_ms = self.clock.now_ms()
        measured = (Measured(channel, quantity, at_ms, value, quality),)
        self.journal.append([Arrival("t", f"{at_ms}".encode(), at_ms, device, "t", measured)])

    def feed(self, device: str, values: list[float], *, every_min: int = 5) -> None:
        for value in values:
            self.send(device, value)
            self.clock.advance(every_min * MINUTE_MS)

    def all(self, rule: str = "cold_storage_warm") -> list[Incident]:
        with self.journal.reader() as connection:
            found = incidents.listing(connection, state="all", limit=1000)
        return [item for item in found if item.rule == rule]

    def outbox(self, incident: int = 0) -> list[str]:
        with self.journal.reader() as connection:
            rows = connection.execute(
                "SELECT kind FROM outbox WHERE ? IN (0, incident) ORDER BY id", (incident,)
            )
            return [row[0] for row in rows]

    def close(self) -> None:
        self.journal.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "j.sqlite3")
    yield made
    made.close()


def test_a_short_door_opening_is_no_incident(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [9.0, 9.5] + [5.0] * 6)
    assert rig.all() == []


def test_warm_air_becomes_notice_then_alarm_then_critical(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4)
    seen: list[str] = []
    for _ in range(30):
        rig.feed("t:fridge", [10.5])
        found = rig.all()
        severity = found[0].severity.value if found else ""
        if severity and severity not in seen:
            seen.append(severity)
    assert seen[0] in {"notice", "alarm"}
    assert seen[-1] == "critical"
    assert len(rig.all()) == 1
    assert rig.all()[0].since_ms == START_MS + 4 * 5 * MINUTE_MS


def test_thirteen_degrees_twice_is_critical_at_once(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [13.5, 13.6])
    assert rig.all()[0].severity.value == "critical"


def test_recovery_needs_two_cool_samples_and_a_person(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 12)
    number = rig.all()[0].id
    rig.feed("t:fridge", [6.0])
    assert rig.all()[0].state == "firing"
    rig.feed("t:fridge", [6.0] * 20)
    assert rig.all()[0].state == "recovering"
    rig.journal.call(
        lambda c: incidents.acknowledge(c, number, actor="cook", now_ms=rig.clock.now_ms())
    )
    assert rig.all()[0].state == "resolved"


def test_an_acknowledged_incident_closes_when_the_data_say_so(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 12)
    number = rig.all()[0].id
    rig.journal.call(
        lambda c: incidents.acknowledge(c, number, actor="cook", now_ms=rig.clock.now_ms())
    )
    rig.feed("t:fridge", [4.0] * 20)
    assert rig.all()[0].state == "resolved"
    with rig.journal.reader() as connection:
        kinds = [event.kind for event in incidents.events(connection, number)]
    assert kinds[0] == "opened"
    assert kinds[-3:] == ["acknowledged", "recovered", "closed"]
    assert rig.outbox(number)[0] == "escalated"  # a notice is not for this channel
    assert rig.outbox(number)[-1] == "resolved"


@pytest.mark.parametrize("quality", [Quality.SUSPECT, Quality.RETAINED])
def test_a_doubtful_value_never_clears_an_alert(rig: Rig, quality: Quality) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 12)
    for _ in range(6):
        rig.send("t:fridge", 3.0, quality=quality)
        rig.clock.advance(5 * MINUTE_MS)
    assert rig.all()[0].state == "firing"


def test_silence_is_an_alert_and_never_an_all_clear(rig: Rig) -> None:
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 12)
    for _ in range(8):
        rig.clock.advance(5 * MINUTE_MS)
        rig.send("t:freezer", -19.0)
    assert rig.all()[0].state == "firing"
    fridge = rig.all()[0].device
    silent = [item for item in rig.all("device_silent") if item.device == fridge]
    assert [item.state for item in silent] == ["firing"]


def test_a_freezer_has_its_own_limits(rig: Rig) -> None:
    rig.feed("t:freezer", [-19.0] * 4 + [-10.0] * 6)
    assert rig.all() == []  # half an hour above -12: defrost and loading take longer
    rig.feed("t:freezer", [-8.0] * 14)
    assert rig.all()[0].severity.value in {"notice", "alarm", "critical"}


def water(rig: Rig, device: str, hours: float, litres_per_quarter: float, start: float) -> float:
    value = start
    for _ in range(int(hours * 4)):
        rig.send(device, value, quantity="volume", channel="")
        value += litres_per_quarter / 1000
        rig.clock.advance(QUARTER_MS)
    return value


def test_water_that_never_stops_is_found_after_a_day(rig: Rig) -> None:
    value = water(rig, "t:toilets", 2, 0.0, 100.0)
    value = water(rig, "t:toilets", 23.5, 15.0, value)
    assert rig.all("continuous_flow") == []
    value = water(rig, "t:toilets", 1.5, 15.0, value)
    (found,) = rig.all("continuous_flow")
    assert found.evidence["flow_l_h"] == pytest.approx(60.0)
    water(rig, "t:toilets", 1, 0.0, value)
    assert rig.all("continuous_flow")[0].state == "recovering"


def test_a_register_that_rolls_over_hides_no_leak(rig: Rig) -> None:
    value = 9_999.0
    for _ in range(26 * 4):
        rig.send("t:toilets", value % 10_000, quantity="volume", channel="")
        value += 0.015
        rig.clock.advance(QUARTER_MS)
    assert value > 10_000
    assert len(rig.all("continuous_flow")) == 1


def test_a_leak_is_told_by_its_own_flow_not_by_the_dribble_before_it(rig: Rig) -> None:
    value = water(rig, "t:toilets", 2, 0.0, 100.0)
    value = water(rig, "t:toilets", 3, 1.0, value)  # a tap now and then, then the leak
    water(rig, "t:toilets", 21.5, 16.0, value)
    (found,) = rig.all("continuous_flow")
    assert found.evidence["flow_l_h"] == pytest.approx(64.0)


def test_one_dry_quarter_hour_starts_the_day_anew(rig: Rig) -> None:
    value = water(rig, "t:toilets", 20, 15.0, 100.0)
    value = water(rig, "t:toilets", 0.5, 0.0, value)
    water(rig, "t:toilets", 20, 15.0, value)
    assert rig.all("continuous_flow") == []


def test_the_meter_downstream_explains_the_main_meter(rig: Rig) -> None:
    values = {"t:toilets": 100.0, "t:main": 500.0}
    for _ in range(40 * 4):
        for device, value in values.items():
            rig.send(device, value, quantity="volume", channel="")
        values = {device: value + 0.015 for device, value in values.items()}
        rig.clock.advance(QUARTER_MS)
    assert len(rig.all("continuous_flow")) == 1


def test_filling_in_the_past_tells_nobody_until_it_is_done(rig: Rig) -> None:
    rig.engine.lifecycle.notifying = False
    rig.feed("t:fridge", [4.0] * 4 + [11.0] * 20)
    assert rig.all()[0].state == "firing"
    assert rig.outbox() == []
    for _ in range(2):  # told twice to begin, it still tells each open incident once
        rig.journal.call(
            lambda c: rig.engine.lifecycle.begin_notifying(c, now_ms=rig.clock.now_ms())
        )
    firing = [i for rule in ("cold_storage_warm", "device_silent") for i in rig.all(rule)]
    loud = [i for i in firing if i.state == "firing" and i.severity.value != "notice"]
    assert rig.outbox() == ["opened"] * len(loud)


def test_a_restart_that_fills_in_the_past_tells_nothing_twice(rig: Rig) -> None:
    lifecycle = rig.engine.lifecycle

    def fill(values: list[float]) -> None:
        lifecycle.notifying = False
        rig.feed("t:fridge", values)
        rig.journal.call(lambda c: lifecycle.begin_notifying(c, now_ms=rig.clock.now_ms()))

    fill([4.0] * 4 + [11.0] * 20)
    (warm,) = rig.all()
    assert rig.outbox(warm.id) == ["opened"]
    fill([11.0] * 2)
    assert rig.outbox(warm.id) == ["opened"]
    rig.journal.call(lambda c: incidents.acknowledge(c, warm.id, actor="cook", now_ms=1))
    fill([4.0] * 20)
    assert rig.outbox(warm.id)[-1] == "resolved"  # who was called also hears that it is over


def _decisions(rig: Rig) -> list[tuple[str, int, str, str, int, int | None]]:
    return sorted(
        (i.rule, i.device, i.severity.value, i.state, i.since_ms, i.recovered_ms)
        for rule in ("cold_storage_warm", "continuous_flow")
        for i in rig.all(rule)
    )


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.sampled_from([3.0, 4.0, 7.8, 8.4, 11.0, 13.5]), min_size=10, max_size=60),
    cut=st.floats(0, 1),
)
def test_a_restart_changes_no_decision(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], cut: float
) -> None:
    """I5: rule state lives in the journal, so a restart at any point decides alike."""
    decided = []
    for restart_at in (-1, int(cut * len(values))):
        rig = Rig(tmp_path_factory.mktemp("r") / "j.sqlite3")
        for index, value in enumerate(values):
            if index == restart_at:
                rig.close()
                rig.open()
            rig.feed("t:fridge", [value])
        decided.append(_decisions(rig))
        found = rig.all()
        assert len([item for item in found if item.state != "resolved"]) <= 1
        rig.close()
    assert decided[0] == decided[1]
