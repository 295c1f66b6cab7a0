"""Home Assistant discovery and ESPHome: configs teach, states follow, no device comes twice."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import ManualClock
from caretaker.vocabulary import Arrival, RejectReason
from ingest.codecs.ha_template import Template, UnknownTemplateError
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.replay import Resumer
from ingest.transport.port import Message
from storage import quarantine
from storage.journal import Journal

NOW_MS = 1_795_525_200_000
DRIVERS = load_drivers()
DEVICE = {"ids": ["meter-1"], "name": "Meter", "mf": "Acme", "mdl": "M1"}


class Line:
    """A decoder, and messages that come one after another."""

    def __init__(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.memory: dict[str, bytes] = {}

    def hear(self, topic: str, body: object, *, retained: bool = False) -> tuple[Arrival, ...]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        arrivals = self.decoder.decode(Message(topic, raw, NOW_MS, retained=retained))
        for arrival in arrivals:
            for key, value in arrival.knowledge:
                self.memory[key] = value
        return arrivals

    def config(self, name: str, **config: Any) -> tuple[Arrival, ...]:
        body = {"dev": DEVICE, "uniq_id": f"meter-1_{name}", **config}
        return self.hear(f"homeassistant/sensor/meter-1/{name}/config", body, retained=True)

    def restart(self) -> None:
        self.decoder = Decoder(DRIVERS, clock=ManualClock(NOW_MS))
        self.decoder.remember({key: value for key, value in self.memory.items() if value})


@pytest.fixture
def line() -> Line:
    return Line()


def found(arrivals: tuple[Arrival, ...]) -> dict[str, float]:
    return {f"{m.channel}/{m.quantity}": m.value for a in arrivals for m in a.measured}


def test_entities_of_one_topic_are_points_of_one_device_also_after_a_restart(line: Line) -> None:
    line.config(
        "energy", dev_cla="energy", unit_of_meas="Wh", stat_t="m/1", val_tpl="{{value_json.e}}"
    )
    line.config(
        "power_l1", dev_cla="power", unit_of_meas="W", stat_t="m/1", val_tpl="{{value_json.p}}"
    )
    line.restart()
    arrivals = line.hear("m/1", {"e": 1500, "p": 20})
    assert found(arrivals) == {"/energy": 1.5, "a/power": 0.02}
    assert {a.device for a in arrivals} == {"homeassistant:meter-1"}
    assert arrivals[0].model == "Acme M1"
    assert line.hear("m/1", {"e": 1501})[0].rejected == ()  # a key that is missing did not change


def test_the_unit_comes_from_the_config_only(line: Line) -> None:
    line.config("t", dev_cla="temperature", unit_of_meas="°F", stat_t="m/t")
    assert found(line.hear("m/t", b"50")) == pytest.approx({"t/temperature": 10.0})
    line.config("u", dev_cla="voltage", stat_t="m/u")
    (arrival,) = line.hear("m/u", b"221")
    assert [r.reason for r in arrival.rejected] == [RejectReason.UNIT_MISSING]


def test_statistics_and_other_entities_are_no_readings(line: Line) -> None:
    line.config("energy_today", dev_cla="energy", unit_of_meas="kWh", stat_t="m/2")
    line.config("signal", dev_cla="signal_strength", unit_of_meas="dBm", stat_t="m/2")
    line.config("charge", dev_cla="energy_storage", unit_of_meas="kWh", stat_t="m/2")
    line.config(
        "energy", dev_cla="energy", unit_of_meas="kWh", stat_t="m/2", lrst_val_tpl="{{ value }}"
    )
    for tpl in ("{{ value_json.EToday }}", "{{ value_json.yield_day | float(0) }}"):
        line.config("made", dev_cla="energy", unit_of_meas="kWh", stat_t="m/2", val_tpl=tpl)
    line.hear("homeassistant/number/meter-1/limit/config", {"dev": DEVICE, "stat_t": "m/2"})
    assert line.hear("m/2", b"3")[0].rejected[0].reason is RejectReason.NO_DRIVER


def test_a_switch_is_a_relay_and_a_climate_entity_measures_a_temperature(line: Line) -> None:
    switch = {"dev": DEVICE, "uniq_id": "meter-1_fan", "stat_t": "m/fan", "stat_on": "1"}
    line.hear("homeassistant/switch/meter-1/fan/config", switch | {"stat_off": "0"})
    assert found(line.hear("m/fan", b"1")) == {"fan/relay": 1.0}
    climate = {
        "dev": DEVICE,
        "uniq_id": "meter-1_room",
        "temp_stat_t": "m/target",
        "curr_temp_t": "m/room",
        "curr_temp_tpl": "{{ value_json.t }}",
    }
    line.hear("homeassistant/climate/meter-1/room/config", climate | {"temp_unit": "F"})
    assert found(line.hear("m/room", {"t": 50})) == pytest.approx({"room/temperature": 10.0})
    assert not found(line.hear("m/target", b"20"))
    line.hear("homeassistant/climate/meter-1/room/config", climate)
    (arrival,) = line.hear("m/room", {"t": 50})
    assert [r.reason for r in arrival.rejected] == [RejectReason.UNIT_MISSING]


@pytest.mark.parametrize(
    "template",
    [
        "{% set x = value %}" + "{% set x = x + x %}" * 90 + "{{ x }}",
        "{% set x = 9 %}" + "{% set x = x * x %}" * 90 + "{{ x }}",
        "{{ '%099999999d' % 5 }}",
        "{{ value | replace('', '" + "y" * 1_800 + "') }}",
    ],
)
def test_no_template_grows_without_end(template: str) -> None:
    rendered = Template(template).render("z" * 60_000, None)
    assert rendered is None or len(rendered) <= 10_000


def test_an_empty_config_takes_the_entity_back(line: Line) -> None:
    line.config("power", dev_cla="power", unit_of_meas="W", stat_t="m/3")
    assert found(line.hear("m/3", b"5"))
    line.hear("homeassistant/sensor/meter-1/power/config", b"", retained=True)
    assert line.hear("m/3", b"5")[0].rejected[0].reason is RejectReason.NO_DRIVER
    line.restart()
    assert line.hear("m/3", b"5")[0].rejected[0].reason is RejectReason.NO_DRIVER


def test_a_config_that_changes_its_topic_moves_the_entity(line: Line) -> None:
    line.config("power", dev_cla="power", unit_of_meas="W", stat_t="m/old")
    line.config("power", dev_cla="power", unit_of_meas="kW", stat_t="m/new")
    assert found(line.hear("m/new", b"5")) == {"/power": 5.0}
    assert not found(line.hear("m/old", b"5"))


def test_availability_in_its_own_words(line: Line) -> None:
    avty = [{"t": "~online", "pl_avail": "true", "pl_not_avail": "false"}]
    line.config(
        "p", **{"~": "x/", "dev_cla": "power", "unit_of_meas": "W", "stat_t": "~p", "avty": avty}
    )
    assert [a.available for a in line.hear("x/online", b"false")] == [False]
    assert [a.available for a in line.hear("x/online", b"true", retained=True)] == [True]
    assert [a.available for a in line.hear("x/online", b"maybe")] == [None]
    assert found(line.hear("x/p", b"7")) == {"p/power": 0.007}


def test_states_before_their_config_are_used_after_it(line: Line, tmp_path: Path) -> None:
    journal = Journal(
        tmp_path / "j.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=ManualClock(NOW_MS),
    )
    journal.open()
    for topic in ("x/sensor/t/state", "x/other"):  # one known as ESPHome's, one not known at all
        journal.append(line.hear(topic, b"4.5"))
    line.config("a", dev_cla="temperature", unit_of_meas="°C", stat_t="x/sensor/t/state")
    line.config("b", dev_cla="temperature", unit_of_meas="°C", stat_t="x/other")
    resumer = Resumer(journal, line.decoder)
    resumer.begin()
    used = 0
    while resumer.pending:
        used += resumer.step()
    assert used == 2
    assert {d.key for d in journal.devices()} == {"homeassistant:meter-1"}
    with journal.reader() as connection:
        assert quarantine.counts(connection) == {}
    journal.close()


def test_only_what_a_descriptor_is_about_is_read_again(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(
        tmp_path / "j.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=ManualClock(NOW_MS),
    )
    journal.open()
    resumer = Resumer(journal, line.decoder)
    read: list[str] = []
    decode = Decoder.decode

    def noted(self: Decoder, message: Message) -> tuple[Arrival, ...]:
        read.append(message.topic)
        return decode(self, message)

    def resumed() -> tuple[int, set[str]]:
        read.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Decoder, "decode", noted)
            resumer.begin()
            used = 0
            while resumer.pending:
                used += resumer.step()
        return used, set(read)

    for number in range(2_500):
        journal.append(line.hear(f"x/sensor/t{number}/state", b"4.5"))
    assert resumed() == (0, {f"x/sensor/t{number}/state" for number in range(2_500)})
    assert resumed() == (0, set())  # nothing was learned since
    for number in (3, 2_499):
        topic = f"x/sensor/t{number}/state"
        line.config(f"c{number}", dev_cla="temperature", unit_of_meas="°C", stat_t=topic)
    assert resumed() == (2, {"x/sensor/t3/state", "x/sensor/t2499/state"})
    line.config("c3", dev_cla="temperature", unit_of_meas="°C", stat_t="x/sensor/t3/state")
    assert resumed() == (0, set())  # known already
    journal.close()


def test_two_devices_may_share_a_topic(line: Line) -> None:
    for name in ("a", "b"):
        line.hear(
            f"homeassistant/sensor/{name}/config",
            {
                "device": {"identifiers": name},
                "unique_id": f"{name}_t",
                "state_topic": "hub",
                "unit_of_measurement": "°C",
                "device_class": "temperature",
                "value_template": f"{{{{ value_json['{name}'].t }}}}",
            },
        )
    arrivals = line.hear("hub", {"a": {"t": 4}, "b": {"t": 5}})
    assert {a.device: found((a,)) for a in arrivals} == {
        "homeassistant:a": {"t/temperature": 4.0},
        "homeassistant:b": {"t/temperature": 5.0},
    }


@pytest.mark.parametrize(
    ("topic", "body", "device"),
    [
        ("tele/plug/SENSOR", {"ENERGY": {"Power": 20}}, "tasmota:plug"),
        ("zigbee2mqtt/room 1", {"temperature": 20}, "zigbee2mqtt:room 1"),
        ("shellypro-1/status/switch:0", {"id": 0, "apower": 3}, "shelly:shellypro-1"),
    ],
)
def test_a_config_on_a_topic_of_another_dialect_makes_no_second_device(
    line: Line, topic: str, body: object, device: str
) -> None:
    line.config(
        "power", dev_cla="power", unit_of_meas="W", stat_t=topic, val_tpl="{{ value_json.x }}"
    )
    assert {a.device for a in line.hear(topic, body)} == {device}


@pytest.mark.parametrize(
    ("template", "payload", "expected"),
    [
        ("{{ value }}", b"4.5", "4.5"),
        ("{{ value_json.a.b }}", b'{"a":{"b":1}}', "1"),
        ("{{ value_json['a-b'][0] }}", b'{"a-b":[7]}', "7"),
        ("{{ value_json.get('a') }}", b'{"a":3}', "3"),
        ("{{ value | float }}", b"2", "2.0"),
        ("{{ (value_json.x | float / 1000) | round(2) }}", b'{"x":"1234"}', "1.23"),
        ("{{value_json.pf*100}}", b'{"pf":0.5}', "50.0"),
        ("{{ value_json.x | default(0) }}", b"{}", None),
        ("{{ value_json.x | float(0) }}", b"{}", None),
        ("{{ value | float(0) }}", b"n/a", None),
        ("{{ value_json.x | default(value_json.y) }}", b'{"y":4}', "4"),
        ("{{ 'ON' if value_json.x | int(0) > 0 else 'OFF' }}", b"{}", None),
        ("{{ 'ON' if not value_json.x else 'OFF' }}", b"{}", None),
        ("{{ value if value | is_number else 'None' }}", b"4", "4"),
        ("{{ float(value) / 1000.0 }}", b"1500", "1.5"),
        ("{{ value | multiply(0.1) | round(1) }}", b"25", "2.5"),
        ("{% set x = value_json.a | int // 10 %}{{ x }}", b'{"a":45}', "4"),
        ("{% if value_json.a %}ON{% else %}OFF{% endif %}", b'{"a":false}', "OFF"),
        ("{{ iif(value_json.a == 'x', 'ON', 'OFF') }}", b'{"a":"x"}', "ON"),
        ("{{ (value | from_json).a }}", b'{"a":2}', "2"),
        ("{{ {'1': 'ON', '0': 'OFF'}[value] }}", b"0", "OFF"),
        ("{{ 'ON' if value in ['1', 'true'] else 'OFF' }}", b"true", "ON"),
        ("{{ value ~ '.5' }}", b"3", "3.5"),
        ("{{ value_json.x | is_defined }}", b"{}", None),
        ("{{ value.split(';')[1] }}", b"1;2", "2"),
        ("{{ value | replace(',', '.') | float }}", b"4,5", "4.5"),
        ("{% if value_json.x is defined %}{{ value_json.x }}{% endif %}", b'{"x":9}', "9"),
        ("{% if value_json.x is defined %}{{ value_json.x }}{% endif %}", b"{}", None),
        ("{{ 'ON' if value_json.s == 1 else 'OFF' }}", b'{"s":1}', "ON"),
        ("{{ value_json.a + value_json.b }}", b'{"a":1,"b":2}', "3"),
        ("{{ value_json.a * 3 }}", b'{"a":"x"}', None),
        ("{{ ''.__class__.__mro__ }}", b"1", None),
        ("{{ value_json.list[99] }}", b'{"list":[]}', None),
    ],
)
def test_templates(template: str, payload: bytes, expected: str | None) -> None:
    try:
        parsed = json.loads(payload)
    except ValueError:
        parsed = None
    assert Template(template).render(payload.decode(), parsed) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(1000000000) %}{% endfor %}",
        "{{ value_json.x() }}",
        "{{ states('sensor.x') }}",
        "{{ value ** 99999999 }}",
        "{{ value",
        "{{ lipsum.__globals__ }}",
        "{% set x, y = 1, 2 %}{{ x }}",
        "{{ float.__class__ }}{{ range(9) }}",
        "{{" + "(" * 900 + "1" + ")" * 900 + "}}",
    ],
)
def test_a_template_that_does_more_is_refused(line: Line, template: str) -> None:
    with pytest.raises(UnknownTemplateError):
        Template(template)
    arrivals = line.config("p", dev_cla="power", unit_of_meas="W", stat_t="m/9", val_tpl=template)
    assert [r.reason for r in arrivals[0].rejected] == [RejectReason.WRONG_SHAPE]


def test_descriptors_of_real_devices(line: Line, payloads: Path) -> None:
    rows = (payloads / "08_homie_esphome_ha_omg.jsonl").read_text(encoding="utf-8").splitlines()
    topics = set()
    for row in map(json.loads, rows):
        if not str(row["topic"]).startswith("homeassistant/"):
            continue
        (arrival,) = line.hear(row["topic"], row["payload"], retained=True)
        assert not arrival.measured
        assert not arrival.rejected, row["topic"]
        topics |= {key for key, _ in arrival.knowledge}
    assert {"homeassistant:t:home-iot-node/espnode-993102/readings"} <= topics
    assert found(line.hear("home-iot-node/espnode-993102/readings", b"12.5;3.5")) == {
        "t1/energy": 12.5,
        "t2/energy": 3.5,
    }
    arrivals = line.hear(
        "home-iot-node/espnode-993102/temperature", {"temperature": 21, "humidity": 40}
    )
    assert found(arrivals) == {"/temperature": 21.0, "/humidity": 40.0}
    assert line.hear("home-iot-node/espnode-993102/$online", b"offline")[0].available is False


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "dev",
                        "ids",
                        "stat_t",
                        "cmps",
                        "avty",
                        "val_tpl",
                        "~",
                        "name",
                        "uniq_id",
                        "unit_of_meas",
                    )
                ),
                inner,
            )
        ),
    )
)
def test_no_config_raises(config: Any) -> None:
    line = Line()
    for topic in ("homeassistant/sensor/a/b/config", "homeassistant/device/a/config"):
        for arrival in line.hear(topic, config):
            assert all(r.reason is not RejectReason.DRIVER_FAULT for r in arrival.rejected)


def test_a_hostile_device_of_thousands_of_entities_is_bounded_and_counted(line: Line) -> None:
    parts = {
        f"e{n}": {"p": "sensor", "dev_cla": "power", "unit_of_meas": "W", "stat_t": f"h/{n}"}
        for n in range(5_000)
    }
    for n in range(3):
        body = {"dev": {"ids": ["h"]}, "cmps": parts}
        (arrival,) = line.hear(f"homeassistant/device/{n}/config", body)
        assert {r.reason for r in arrival.rejected} == {RejectReason.TOO_LARGE}
    for n in range(310):
        line.config(f"p{n}", dev_cla="power", unit_of_meas="W", stat_t=f"k/{n}")
    assert line.config("q", dev_cla="power", unit_of_meas="W", stat_t="k")[0].rejected
    assert sum(map(len, line.memory.values())) < 1_000_000
