"""What the documents say is what the code does."""

import dataclasses
import json
import re
import tomllib
from pathlib import Path

import pytest

from alerting import rulefile
from alerting.parameters import METERS
from alerting.profiles import NAMES, document
from alerting.rule_names import RULE_NAMES
from alerting.rules import standard_rules
from alerting.texts import BODIES, TITLES
from analytics.kpis.document import table
from analytics.kpis.registry import REGISTRY
from caretaker.clock import ManualClock
from caretaker.config import SiteSettings
from caretaker.factors import CARBON, ENERGY
from caretaker.measurements import MEASUREMENTS, RAW
from caretaker.quantities import QUANTITIES
from caretaker.sitefile import parse_site
from ingest.codecs.native import parse_key
from ingest.decoder import Decoder
from ingest.driver import Driver, Field, combine, load_drivers, read_driver
from ingest.reasons import REASONS
from ingest.strict_json import MAX_BYTES
from ingest.transport.port import Message

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOW_MS = 1_788_220_920_000
MQTT = (DOCS / "mqtt.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", MQTT, re.DOTALL))
def test_every_native_example_is_read_in_full(example: str) -> None:
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    message = Message("caretaker/1/school/my-meter/readings", example.encode(), NOW_MS)
    (arrival,) = decoder.decode(message)
    assert not arrival.rejected
    parts = json.loads(example).get("batch", [json.loads(example)])
    assert len(arrival.measured) == sum(len(part["readings"]) for part in parts)


def test_the_table_of_units_is_true_and_complete() -> None:
    named = set()
    for line in MQTT.splitlines():
        row = [cell.strip() for cell in line.split("|")]
        if len(row) != 6 or row[1] in {"quantity", "---"} or not row[1].startswith("`"):
            continue
        quantities = re.findall(r"`(\w+)`", row[1])
        units = re.findall(r"`(\w+)`", row[2] + row[3])
        for quantity in quantities:
            named.add(quantity)
            for unit in units:
                assert isinstance(parse_key(f"{quantity}_{unit}"), tuple), (quantity, unit)
    assert named == set(QUANTITIES)
    assert f"at most {MAX_BYTES // 1024} kB" in MQTT


def test_every_driver_and_every_key_of_a_driver_file_is_described() -> None:
    text = (DOCS / "drivers.md").read_text(encoding="utf-8")
    assert {d.name for d in load_drivers() if f"`{d.name}`" not in text} == set()
    keys = {field.name for field in dataclasses.fields(Driver)} - {"fields", "samples", "models"}
    keys -= {"file"}
    assert {key for key in keys if f"`{key}`" not in text} == set()
    of_field = {field.name for field in dataclasses.fields(Field)} - {"factor", "offset"}
    assert {key for key in of_field if f"`field.{key}`" not in text} == set()


def test_the_example_driver_reads_its_own_samples() -> None:
    text = (DOCS / "drivers.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0]
    driver = read_driver(example, file="acme.toml")
    decoder = Decoder((driver,), clock=ManualClock(NOW_MS))
    for sample in tomllib.loads(example)["sample"]:
        (arrival,) = decoder.decode(Message(sample["topic"], sample["payload"].encode(), NOW_MS))
        found = {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
        assert found == pytest.approx(sample.get("gives", {}))


def test_the_example_model_file_reads_its_own_samples() -> None:
    text = (DOCS / "drivers.md").read_text(encoding="utf-8")
    model = read_driver(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[1], file="panel.toml")
    drivers = load_drivers()
    own = [item for driver in drivers for item in driver.models]
    decoder = Decoder(
        combine([*drivers, *{item.name: item for item in own}.values(), model]),
        clock=ManualClock(NOW_MS),
    )
    for sample in model.samples:
        (arrival,) = decoder.decode(Message(sample.topic, sample.body, NOW_MS))
        found = {f"{m.channel}/{m.quantity}": m.value for m in arrival.measured}
        assert found == pytest.approx(dict(sample.gives))
        assert [r.reason.value for r in arrival.rejected] == [sample.refused][
            : bool(sample.refused)
        ]


def test_every_envelope_has_a_row() -> None:
    text = (DOCS / "drivers.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text, re.MULTILINE))))
    table = {"fields", "native", "plain", "p1", "senml", "suffix", "line_protocol"}
    envelopes = {driver.name for driver in load_drivers() if driver.codec not in table}
    assert envelopes <= rows


def test_the_messages_in_the_five_minute_guide_are_understood() -> None:
    text = (DOCS / "first-meter.md").read_text(encoding="utf-8")
    decoder = Decoder(load_drivers(), clock=ManualClock(NOW_MS))
    found = re.findall(r"-t (\S+) \\\n\s+-m '(.*?)'", text)
    assert found
    for topic, payload in found:
        (arrival,) = decoder.decode(Message(topic, payload.encode(), NOW_MS))
        assert arrival.measured
        assert not arrival.rejected


def test_every_kpi_stands_in_the_document_with_formula_threshold_and_source() -> None:
    text = (DOCS / "kpis.md").read_text(encoding="utf-8")
    missing = [line for line in table(REGISTRY.values()) if line not in text]
    assert not missing
    assert text.count("\n| `") == len(REGISTRY)
    for name in (*ENERGY, *CARBON):
        assert f"`{name}`" in text


def test_every_measurement_tag_and_field_stands_in_the_document() -> None:
    text = (DOCS / "influx.md").read_text(encoding="utf-8")
    rows = {
        name: line
        for line in text.splitlines()
        for name in re.findall(r"`(\w+)`", line.split("|")[1] if line.startswith("|") else "")
    }
    for known in MEASUREMENTS.values():
        row = rows["temperature" if known.name in RAW else known.name]
        missing = {*known.tags, *known.fields} - set(re.findall(r"`(\w+)`", row))
        assert not missing, known.name


def test_every_number_of_the_profiles_stands_in_the_document() -> None:
    text = (DOCS / "cold-chain.md").read_text(encoding="utf-8")
    missing = [line for line in (*document.rows(), *document.differences()) if line not in text]
    assert not missing, "run: python -m alerting.profiles.document"
    assert set(document.MEANING) == set(NAMES)


def test_every_rule_and_its_numbers_are_documented_and_have_texts() -> None:
    text = (DOCS / "alerts.md").read_text(encoding="utf-8")
    for rule in standard_rules(SiteSettings()):
        assert f"| `{rule.name}` |" in text, rule.name
        assert set(rule.parameters) <= set(NAMES), rule.name
        assert all(rule.name in names for names in RULE_NAMES.values()), rule.name
        if rule.name != "cold_unit":
            assert rule.name in TITLES["en"], rule.name
            assert rule.name in BODIES["zh-CN"], rule.name


def test_the_example_rule_file_is_good() -> None:
    text = (DOCS / "alerts.md").read_text(encoding="utf-8")
    (example,) = [e for e in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if "[[rule]]" in e]
    settings = rulefile.parse(example, rules=standard_rules(SiteSettings()))
    assert [s.id for s in settings] == ["drinks-fridge", "no-door-alerts"]
    assert settings[0].numbers == {"alarm_min": 60.0}


def test_the_example_override_is_a_setting() -> None:
    text = (DOCS / "cold-chain.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (override,) = parse_site(example, file="site.toml").overrides
    assert (override.parameter, override.value, override.author) == ("limit_hi_c", 6.0, "李主任")


def test_every_reason_code_of_an_amount_is_documented() -> None:
    text = (DOCS / "metering.md").read_text(encoding="utf-8")
    for code, (zh, en) in REASONS.items():
        assert f"| `{code}` | {zh} | {en} |" in text, code
    for name in METERS:
        assert f"| `{name}` |" in text
