"""A person says what a topic means: by path, quantity and unit, tried before it counts."""

import pytest

from caretaker.clock import ManualClock
from caretaker.config import MappingField, MappingSettings
from caretaker.errors import ConfigurationError
from caretaker.quantities import QUANTITIES, Kind
from caretaker.sitefile import parse_site
from caretaker.vocabulary import Arrival
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.mapping import driver_from, from_json, in_force, to_json
from ingest.transport.port import Message
from ingest.units import choices, factor_offset

NOW_MS = 1_795_525_200_000
BOILER = MappingSettings(
    name="boiler",
    topic="school/{device}/state",
    time_at="at",
    fields=(
        MappingField("temperature", "F", "data.t[0]", "flow"),
        MappingField("temperature", "F", "data.t[1]", "return"),
        MappingField("energy", "Wh", 'data["kWh.total"]'),
    ),
)


def decode(mapping: MappingSettings, topic: str, payload: str) -> tuple[Arrival, ...]:
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    decoder.set_mappings([driver_from(mapping, file="site.toml", key="mapping[0]")])
    return decoder.decode(Message(topic, payload.encode(), NOW_MS))


def test_a_message_is_read_by_path_and_unit() -> None:
    body = '{"at": "2026-11-24T08:00:00Z", "data": {"t": [158, "122"], "kWh.total": 5000, "x": 1}}'
    (arrival,) = decode(BOILER, "school/锅炉 1/state", body)
    assert arrival.device == "mapped:锅炉 1"
    found = {(m.channel, m.quantity): round(m.value, 6) for m in arrival.measured}
    assert found == {("flow", "temperature"): 70, ("return", "temperature"): 50, ("", "energy"): 5}
    assert {m.at_ms for m in arrival.measured} == {1_795_507_200_000}
    assert not arrival.rejected


def test_a_plain_number_needs_no_path() -> None:
    mapping = MappingSettings(
        "hall", "hall/temp", (MappingField("temperature", "C"),), device="hall"
    )
    (arrival,) = decode(mapping, "hall/temp", "21.5")
    assert [(m.quantity, m.value) for m in arrival.measured] == [("temperature", 21.5)]
    assert arrival.device == "mapped:hall"
    for bad in ("warm", "4,5", "NaN", "", "true", "1_000", "９"):
        (arrival,) = decode(mapping, "hall/temp", bad)
        assert not arrival.measured, bad
        assert arrival.rejected, bad


NODE = MappingSettings(
    name="emon",
    topic="emonhub/rx/{device}/values",
    fields=(
        MappingField("power", "W", "[1]", "1"),
        MappingField("temperature", "C", "[3]"),
        MappingField("energy", "Wh", "[4]", "1"),
    ),
)


@pytest.mark.parametrize(
    "row",
    [
        "10,250,-3,4.5,12000",
        "10, 250, -3, 4.5, 12000",
        "10 250 -3 4.5 12000\n",
        "10\t250\t-3\t4.5\t12000",
        "10;250;-3;4.5;12000",
        "[10, 250, -3, 4.5, 12000]",
    ],
)
def test_a_row_of_values_is_read_by_place(row: str) -> None:
    (arrival,) = decode(NODE, "emonhub/rx/10/values", row)
    found = {(m.channel, m.quantity): m.value for m in arrival.measured}
    assert found == {("1", "power"): 0.25, ("", "temperature"): 4.5, ("1", "energy"): 12.0}
    assert arrival.device == "mapped:10"


def test_a_row_that_is_none_or_too_short_is_refused() -> None:
    for bad in ("nothing to see here", "10", "", "a,b,c,d,e", "9," * 5_000, "10,250,-3,warm,x"):
        (arrival,) = decode(NODE, "emonhub/rx/10/values", bad)
        assert not [m for m in arrival.measured if m.quantity == "temperature"], bad
        assert arrival.rejected or arrival.measured, bad
    (sentinel,) = decode(NODE, "emonhub/rx/10/values", "10,250,-3,-127,12000")
    assert [r.reason.value for r in sentinel.rejected] == ["sentinel"]
    assert len(sentinel.measured) == 2


def readings(mapping: MappingSettings, topic: str, payload: str) -> dict[str, float]:
    (arrival,) = decode(mapping, topic, payload)
    assert not arrival.rejected, arrival.rejected
    return {f"{m.channel}/{m.quantity}": round(m.value, 6) for m in arrival.measured}


def test_values_in_text_are_read_by_place_or_by_name() -> None:
    csv = MappingSettings(
        "csv",
        "csv/{device}",
        (
            MappingField("temperature", "C", "[0]"),
            MappingField("humidity", "%", "[1]"),
            MappingField("door", "", "[2]"),
        ),
        separator=";",
        decimal=",",
    )
    found = {"/temperature": 21.5, "/humidity": 48.2, "/door": 1.0}
    assert readings(csv, "csv/p1", "21,5;48,2;ON") == found
    assert readings(csv, "csv/p1", '"21,5; 48,2; on"') == found
    assert readings(csv, "csv/p1", "21") == {"/temperature": 21.0}
    named = MappingSettings(
        "kv", "kv/{device}", (MappingField("temperature", "F", "T"),), separator=","
    )
    assert readings(named, "kv/p1", "H=55,T: 212") == {"/temperature": 100.0}
    (arrival,) = decode(csv, "csv/p1", "warm")
    assert [r.reason.value for r in arrival.rejected] == ["wrong-type"]


def test_a_unit_is_written_behind_the_number_or_named_elsewhere() -> None:
    behind = MappingSettings("b", "b/{device}", (MappingField("pressure", "*"),))
    for payload in ("101.3 kPa", "101.3kPa", '"101.3 kPa"', "1013 hPa"):
        assert readings(behind, "b/tank", payload) == {"/pressure": 1013.0}
    (arrival,) = decode(behind, "b/tank", "101.3")
    assert [r.reason.value for r in arrival.rejected] == ["unit-missing"]
    beside = MappingSettings(
        "c",
        "c/{device}",
        (MappingField("temperature", path="v.x", unit_at="v.u"),),
        decimal=",",
    )
    assert readings(beside, "c/d", '{"v": {"x": "-18,5", "u": "°C"}}') == {"/temperature": -18.5}
    assert readings(beside, "c/d", '{"v": {"x": "-0,4", "u": "°F"}}') == {"/temperature": -18.0}


def test_a_time_without_a_zone_is_the_sites_where_the_mapping_says_so() -> None:
    field = (MappingField("temperature", "C", "v"),)
    mapping = MappingSettings("t", "t/{device}", field, time_at="at", zone="Asia/Shanghai")
    for text in ("2026-11-24 16:00:00", "2026/11/24 16:00", "20261124160000", "2026-11-24T08:00Z"):
        (arrival,) = decode(mapping, "t/x", f'{{"at": "{text}", "v": 4}}')
        assert {m.at_ms for m in arrival.measured} == {1_795_507_200_000}, text
    (arrival,) = decode(mapping, "t/x", '{"at": "yesterday", "v": 4}')
    assert {m.at_ms for m in arrival.measured} == {NOW_MS}


@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
def test_each_unit_that_is_offered_is_one(quantity: str) -> None:
    offered = choices(quantity)
    assert offered or QUANTITIES[quantity].kind is Kind.STATE
    for unit in offered:
        factor_offset(quantity, unit)
    if offered:
        assert factor_offset(quantity, offered[0]) == (1.0, 0.0)


def test_a_mapping_comes_before_a_dialect_and_may_only_add_to_it() -> None:
    body = '{"Time":"2026-09-01T08:00:00","ENERGY":{"Total":41.25,"Power":250},"Tank":{"Level":2}}'
    own = MappingSettings(
        "tank", "tele/{device}/SENSOR", (MappingField("pressure", "bar", "Tank.Level"),)
    )
    (alone,) = decode(own, "tele/boiler/SENSOR", body)
    assert [(m.quantity, m.value) for m in alone.measured] == [("pressure", 2000)]
    assert alone.device == "mapped:boiler"
    adding = MappingSettings(own.name, own.topic, own.fields, adds=True)
    (both,) = decode(adding, "tele/boiler/SENSOR", body)
    assert both.device == "tasmota:boiler"
    assert {m.quantity for m in both.measured} >= {"energy", "power", "pressure"}


def test_mappings_can_be_exchanged_while_messages_come() -> None:
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    message = Message("hall/temp", b"21.5", NOW_MS)
    before = decoder.decode(message)
    mapping = MappingSettings("h", "hall/temp", (MappingField("temperature", "C"),), device="h")
    decoder.set_mappings(in_force((), [to_json(mapping)], file="site.toml"))
    assert decoder.decode(message)[0].device == "mapped:h"
    decoder.set_mappings(())
    assert decoder.decode(message) == before
    assert from_json(to_json(BOILER)) == BOILER


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('topic = "a/{device}"\n[[mapping.field]]\nquantity = "warmth"\nunit = "C"', "quantity"),
        ('topic = "a/{device}"\n[[mapping.field]]\nquantity = "energy"\nunit = "C"', "unit"),
        ('topic = "a/{device}"\n[[mapping.field]]\nquantity = "energy"\nunit = ""', "unit"),
        ('topic = "a/+"\ndevice = "x"\n[[mapping.field]]\nquantity="energy"\nunit="Wh"', "topics"),
        ('topic = "a/b"\n[[mapping.field]]\nquantity = "energy"\nunit = "Wh"', "device"),
        ('topic = "a/{device}"', "field"),
        ('topic = "a/{device}"\nzone = "Mars"\n[[mapping.field]]\nquantity = "door"', "zone"),
        ('topic = "a/{device}"\ndecimal = "x"\n[[mapping.field]]\nquantity = "door"', "decimal"),
        (
            'topic = "a/{device}"\ndecimal=","\nseparator=","\n[[mapping.field]]\nquantity="door"',
            "separator",
        ),
        (
            'topic = "a/{device}"\n[[mapping.field]]\nquantity="energy"\nunit="Wh"\npath="a..b"',
            "path",
        ),
    ],
)
def test_a_wrong_mapping_stops_with_file_key_and_remedy(text: str, key: str) -> None:
    settings = parse_site(f'[[mapping]]\nname = "x"\n{text}', file="site.toml")
    with pytest.raises(ConfigurationError) as caught:
        in_force(settings.mappings, [], file="site.toml")
    assert caught.value.file == "site.toml"
    assert caught.value.key.startswith("mapping[0]")
    assert key in caught.value.key
    assert caught.value.remedy
