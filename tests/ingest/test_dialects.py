"""What holds across the stable dialects: identity, repeats, time, units, and hostile input."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.clock import HOUR_MS, ManualClock
from caretaker.vocabulary import Arrival, Quality, Rejected
from ingest import plan
from ingest.codecs import cbor
from ingest.codecs.p1 import crc16
from ingest.decoder import Decoder
from ingest.driver import load_drivers, read_driver
from ingest.extract import measure
from ingest.metering import intervals
from ingest.quality import judge
from ingest.replay import replay
from ingest.transport.port import Message
from storage.journal import Journal

NOW_MS = 1_788_220_860_000  # 2026-09-01T00:01:00Z
DRIVERS = load_drivers()


def decoder() -> Decoder:
    return Decoder(DRIVERS, clock=ManualClock(NOW_MS))


def one(topic: str, body: object, *, at_ms: int = NOW_MS, by: Decoder | None = None) -> Arrival:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    (arrival,) = (by or decoder()).decode(Message(topic, raw, at_ms))
    return arrival


@pytest.mark.parametrize(
    "envelopes",
    [
        [
            ("shellypro3em-a1/status/em:0", {"id": 0, "total_act_power": 5}),
            ("shellypro3em-a1/status/emdata:0", {"id": 0, "total_act": 5}),
            (
                "shellypro3em-a1/events/rpc",
                {
                    "src": "shellypro3em-a1",
                    "method": "NotifyStatus",
                    "params": {"em:0": {"total_act_power": 6}},
                },
            ),
        ],
        [
            (
                "rtl_433/pi/events",
                {"time": "x", "model": "M", "channel": 2, "id": 7, "humidity": 4},
            ),
            ("rtl_433/pi/devices/M/2/7/humidity", 4),
        ],
        [
            ("tele/hall 2/SENSOR", {"ENERGY": {"Power": 5}}),
            ("stat/hall 2/STATUS8", {"StatusSNS": {"ENERGY": {"Power": 5}}}),
            ("tele/hall 2/STATE", {"POWER": "ON"}),
        ],
        [
            ("wmbusmeters/hall", {"media": "water", "meter": "m", "id": "07", "total_m3": 1}),
            ("other/topic", {"media": "water", "meter": "m", "id": "07", "total_m3": 2}),
        ],
        [
            ("home/gw1/BTtoMQTT/AABB", {"id": "AA:BB", "brand": "b", "model_id": "m", "tempc": 4}),
            ("home/gw2/BTtoMQTT/AABB", {"brand": "b", "model_id": "m", "tempc": 4}),
        ],
    ],
    ids=["shelly", "rtl_433", "tasmota", "wmbusmeters", "theengs"],
)
def test_one_device_in_several_envelopes_is_one(envelopes: list[tuple[str, object]]) -> None:
    keys = {one(topic, body).device for topic, body in envelopes}
    assert len(keys) == 1
    assert keys != {""}


@pytest.mark.parametrize("name", ["三楼 水表#2", "a/b/c", "x y", "q$w"])
def test_names_of_any_kind_name_a_device(name: str) -> None:
    assert one(f"zigbee2mqtt/{name}", {"temperature": 4}).device == f"zigbee2mqtt:{name}"
    assert one(f"tele/{name}/SENSOR", {"ENERGY": {"Power": 4}}).device == f"tasmota:{name}"


def test_a_radio_message_sent_several_times_counts_once() -> None:
    by = decoder()
    event = {"time": "2026-09-01 08:00:00", "model": "M", "id": 7, "temperature_C": 4.5}
    times = [0, 200, 600, 2_500, 5_600, 61_000]
    arrivals = [one("rtl_433/pi/events", event, at_ms=NOW_MS + t, by=by) for t in times]
    assert [len(a.measured) for a in arrivals] == [1, 0, 0, 0, 1, 1]
    assert not any(a.rejected for a in arrivals)
    other = one("rtl_433/pi/events", event | {"temperature_C": 4.6}, at_ms=NOW_MS + 61_100, by=by)
    assert len(other.measured) == 1


@pytest.mark.parametrize(
    ("told", "expected_ms"),
    [
        ("2026-09-01T00:00:00Z", 1_788_220_800_000),
        ("2026-09-01T08:00:00+0800", 1_788_220_800_000),
        ("2026-09-01 00:00:00Z", 1_788_220_800_000),
        ("20260901T000000Z", 1_788_220_800_000),
        (1_788_220_800, 1_788_220_800_000),
        (1_788_220_800_000_000_000, 1_788_220_800_000),
        ("2026-09-01T08:00:00", NOW_MS),
        ("@0.08s", NOW_MS),
        (0, NOW_MS),
    ],
)
def test_a_time_is_an_instant_or_that_of_receipt(told: object, expected_ms: int) -> None:
    body = {"media": "water", "meter": "m", "id": "1", "total_m3": 5, "timestamp": told}
    (measured,) = one("wmbusmeters/x", body).measured
    assert measured.at_ms == expected_ms
    flagged = Quality.NO_CLOCK | Quality.CLOCK
    assert bool(measured.quality & flagged) == (expected_ms == NOW_MS)


def telegram(time: str, gas_time: str) -> str:
    text = (
        f"/ABC5 meter\r\n\r\n0-0:1.0.0({time})\r\n0-0:96.1.1(4530303331303030)\r\n"
        "1-0:1.8.1(000001.500*kWh)\r\n0-1:24.1.0(003)\r\n0-1:96.1.0(4730303331303030)\r\n"
        f"0-1:24.2.1({gas_time})(00002.500*m3)\r\n!"
    )
    return f"{text}{crc16(text.encode()):04X}\r\n"


@pytest.mark.parametrize(
    ("wall", "gas", "gas_ms"),
    [
        ("260901020100S", "260901020000S", 1_788_220_800_000),  # two hours ahead of UTC
        ("260901080100", "260901080000", 1_788_220_800_000),  # eight hours, no letter
        ("260901020100S", "260901010000W", 1_788_220_800_000),  # taken before summer began
        ("100101000000W", "260901010000W", NOW_MS),  # a clock that is no guide
    ],
)
def test_a_meters_own_clock_tells_its_zone(wall: str, gas: str, gas_ms: int) -> None:
    found = {m.quantity: m for m in one("dsmr/raw", telegram(wall, gas)).measured}
    assert found["gas_volume"].at_ms == gas_ms
    assert found["gas_volume"].channel == "G0031000"
    assert found["energy"].at_ms == NOW_MS


@given(st.integers(12, 150), st.integers(1, 255))
def test_a_damaged_telegram_is_never_read(position: int, change: int) -> None:
    raw = bytearray(telegram("260901020100S", "260901020000S").encode())
    raw[position] ^= change
    for arrival in decoder().decode(Message("dsmr/raw", bytes(raw), NOW_MS)):
        assert arrival.measured == ()


@given(
    st.lists(st.tuples(st.floats(-20, 50), st.integers(-600, 0)), min_size=1, max_size=6),
    st.floats(-5, 5),
    st.integers(1_788_000_000, 1_788_220_000),
)
def test_base_values_of_senml_are_added(
    values: list[tuple[float, int]], base: float, base_time: int
) -> None:
    records: list[dict[str, object]] = [{"bn": "room:", "bt": base_time, "bu": "Cel", "bv": base}]
    records += [{"n": f"t{n}", "v": v, "t": t} for n, (v, t) in enumerate(values)]
    arrival = one("x/y", records)
    found = {m.channel: (m.value, m.at_ms) for m in arrival.measured}
    for n, (value, t) in enumerate(values):
        got, at_ms = found[f"t{n}"]
        assert got == pytest.approx(value + base)
        assert at_ms == (base_time + t) * 1000


def test_now_in_senml_is_the_time_of_receipt() -> None:
    records = [
        {"n": "r:a", "u": "Cel", "v": 1, "t": 0},
        {"n": "r:b", "u": "Cel", "v": 1, "t": -60},
        {"n": "r:c", "u": "Cel", "v": 1},
    ]
    found = {m.channel: m for m in one("x/y", records).measured}
    assert found["a"].at_ms == found["c"].at_ms == NOW_MS
    assert found["b"].at_ms == NOW_MS - 60_000
    assert all(m.quality & Quality.NO_CLOCK for m in found.values())


def test_a_clock_of_tasmota_with_a_zone_is_an_instant_and_one_without_is_none() -> None:
    zoned = one("tele/p/SENSOR", {"Time": "2026-09-01T02:00:30+02:00", "ENERGY": {"Total": 5}})
    assert [m.at_ms for m in zoned.measured] == [NOW_MS - 30_000]
    bare = one("tele/p/SENSOR", {"Time": "2026-09-01T02:00:30", "ENERGY": {"Total": 5}})
    assert [m.at_ms for m in bare.measured] == [NOW_MS]
    assert bare.measured[0].quality & Quality.NO_CLOCK


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("panel/status/energy", {"total": 5, "l1": 4}),
        ("panel/status/voltage", 230),
        ("panel/status/door", "open"),
    ],
)
def test_a_status_topic_of_another_device_is_not_shellys(topic: str, body: object) -> None:
    assert one(topic, body).driver != "shelly"
    assert not one(topic, body).measured


def test_no_volts_beside_live_power_were_not_read() -> None:
    body = {"ENERGY": {"Total": 5, "Power": [40, 0], "Voltage": [0, 0], "Current": [0.1, 0]}}
    found = {(m.channel, m.quantity): m.quality for m in one("tele/x/SENSOR", body).measured}
    assert found["a", "voltage"] & Quality.SUSPECT
    assert not found["b", "voltage"] & Quality.SUSPECT


def test_what_holds_no_reading_makes_no_device() -> None:
    for topic, body in (
        ("some/where/status/foo", {"x": 1}),
        ("tele/x/STATE", {"Uptime": "1T"}),
        ("shelly-1/events/rpc", {"src": "shelly-1", "method": "NotifyEvent", "params": {}}),
        ("home/gw/BTtoMQTT/AA", {"id": "AA", "rssi": -5}),
    ):
        assert one(topic, body).device == ""


def test_a_value_without_a_unit_waits_until_a_person_names_it(tmp_path: Path) -> None:
    journal = Journal(
        tmp_path / "j.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=ManualClock(NOW_MS),
    )
    journal.open()
    for hour in range(3):
        at_ms = NOW_MS - hour * HOUR_MS
        arrival = one("school/hall/temperature", f"{20 + hour}.5", at_ms=at_ms)
        assert arrival.rejected[0].reason == "unit-missing"
        journal.append([arrival])
    assert journal.devices() == []
    mine = (
        'name="hall"\nmodel="h"\ntopics=["school/{device}/{key}"]\ndevice="hall:{device}"\n'
        '[[field]]\npath="temperature"\nquantity="temperature"\nunit="C"\n'
    )
    named = Decoder((read_driver(mine, file="hall.toml"), *DRIVERS), clock=ManualClock(NOW_MS))
    assert replay(journal, named, reason="unit-missing") == (3, 0)
    (point,) = journal.points()
    values = [r.value for r in journal.history(point.id, start_ms=0, end_ms=2**50)]
    assert values == [22.5, 21.5, 20.5]
    journal.close()


@given(st.text(max_size=200), st.lists(st.sampled_from(",+1@>M\nkWh.:;="), max_size=60))
def test_any_script_of_a_meter_reader_is_survived(text: str, parts: list[str]) -> None:
    for script in (text, "".join(parts), ">M 1\n+1,3,s,0,9600,A\n" + text):
        arrivals = decoder().decode(Message("tele/x/DESCRIPTOR", script.encode(), NOW_MS))
        assert all(a.measured == () for a in arrivals)
        assert all(r.reason != "driver-fault" for a in arrivals for r in a.rejected)


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("temperature", 327.67),
        ("temperature", -127.0),
        ("temperature", 127.99),
        ("temperature", 300.0),
        ("temperature", -32768.0),
        ("humidity", 127.0),
        ("voltage", 1023.98),
        ("battery_voltage", 65.535),
        ("volume", 99999.999),
        ("energy", -2147483648.0),
        ("power", 4294967295.0),
    ],
)
def test_a_code_for_no_reading_is_none(quantity: str, value: float) -> None:
    verdict = judge(quantity, value, value)
    assert isinstance(verdict, Rejected)
    assert verdict.reason == "sentinel"


TOPICS = (
    "tele/x/SENSOR",
    "x/status/em:0",
    "x/events/rpc",
    "shellies/x/emeter/0/power",
    "zigbee2mqtt/x",
    "wmbusmeters/x",
    "rtl_433/x/events",
    "home/x/BTtoMQTT/y",
    "channels/x/messages",
    "dsmr/raw",
    "telegraf/x",
    "supla/u/devices/1/channels/2/state/temperature",
    "homewizard/x",
    "any/where",
)
KEYS = (
    "ENERGY", "StatusSNS", "Power", "Temperature", "TempUnit", "em:0", "params", "emeters", "mac",
    "media", "meter", "id", "total_m3", "timestamp", "model", "time", "bn", "n", "v", "t", "u", "s",
    "external", "wifi_ssid", "brand", "model_id", "tempc", "ZbReceived", "value", "raw", "pre",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=16,
)


@given(JSON)
def test_no_json_on_any_topic_makes_a_driver_fail(value: object) -> None:
    raw = json.dumps(value).encode()
    by = decoder_of_all
    for topic in TOPICS:
        for arrival in by.decode(Message(topic, raw, NOW_MS)):
            assert all(r.reason != "driver-fault" for r in arrival.rejected), arrival.rejected


@given(st.binary(max_size=120))
def test_no_bytes_on_any_topic_make_a_driver_fail(raw: bytes) -> None:
    for topic in TOPICS:
        for arrival in decoder_of_all.decode(Message(topic, raw, NOW_MS)):
            assert all(r.reason != "driver-fault" for r in arrival.rejected), arrival.rejected


decoder_of_all = decoder()


def test_a_message_has_so_many_values_and_no_more() -> None:
    body = {f"POWER{n}": "ON" for n in range(5_000)}
    assert len(one("tele/x/STATE", body).measured) == 1_000


def test_random_keys_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_MAX_KEYS", 1_000)
    (tasmota,) = (driver for driver in DRIVERS if driver.name == "tasmota")
    state = plan.compile_fields(tasmota.fields)
    good = {"ENERGY": {"Total": 5}}
    for batch in range(30):
        body = {f"k{batch}-{n}": {f"z{n}": 2, f"y{batch}": 1} for n in range(100)}
        measure(state, body, at_ms=NOW_MS, quality=Quality.GOOD)
        found, _ = measure(state, good, at_ms=NOW_MS, quality=Quality.GOOD)
        assert [m.value for m in found] == [5.0]
        assert state.remembered <= 1_000


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange_for_cbor(raw: bytes) -> None:
    item = cbor.parse(b"\x81" + raw)
    assert isinstance(item, Rejected | list)


@pytest.mark.parametrize(
    "raw", [b"\x81" * 50_000, b"\x9f" * 50_000, b"\x9b" + b"\xff" * 8, b"\xa1"]
)
def test_cbor_beyond_bounds_is_refused(raw: bytes) -> None:
    assert isinstance(cbor.parse(raw), Rejected)


def test_a_pack_in_cbor_says_what_it_says_in_json() -> None:
    told = bytes.fromhex("82a3006161016343656c02fb4035800000000000a300616202f97e0001615b")
    (arrival,) = decoder().decode(Message("any/topic", told, NOW_MS))
    assert [(m.quantity, m.value) for m in arrival.measured] == [("temperature", 21.5)]
    assert not arrival.rejected  # the second value is not a number: no reading now
