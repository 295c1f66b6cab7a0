"""The command line on real data, as a person would use it."""

import csv
import io
import json
import re
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from caretaker.app import App, on_port
from caretaker.cli import app
from caretaker.clock import HOUR_MS, ManualClock, SystemClock
from caretaker.config import BrokerSettings, SiteSettings
from caretaker.errors import CaretakerError, ConfigurationError
from caretaker.secrets import load_or_create
from caretaker.sitefile import read_site
from ingest.broker.supervise import free_port
from ingest.decoder import Decoder
from ingest.driver import load_drivers
from ingest.metering import intervals
from ingest.transport.port import Message
from storage.journal import Journal

START_MS = 1_788_220_800_000  # 2026-09-01 08:00 in Shanghai
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    clock = ManualClock(START_MS)
    journal = Journal(
        tmp_path / "journal.sqlite3",
        zone=ZoneInfo("Asia/Shanghai"),
        arithmetic=intervals,
        clock=clock,
    )
    journal.open()
    decoder = Decoder(load_drivers(), clock=clock)
    for hour in range(5):
        at_ms = START_MS + hour * HOUR_MS
        clock.at_ms = at_ms
        body = json.dumps({"readings": {"energy_kwh": 100 + hour * 2}})
        sent = [
            ("caretaker/1/s/plug/readings", body),
            ("caretaker/1/s/plug/readings", f"bad{hour}"),
        ]
        for topic, payload in sent:
            journal.append(decoder.decode(Message(topic, payload.encode(), at_ms)))
    journal.close()
    return tmp_path


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_devices_adopt_and_ignore(data: Path) -> None:
    assert "native:s/plug" in run("devices", "--data", str(data))
    run("adopt", "native:s/plug", "--name", "插座", "--role", "electricity", "--data", str(data))
    (row,) = json.loads(run("devices", "--json", "--data", str(data)))
    assert (row["name"], row["status"], row["source"]) == ("插座", "adopted", "page")
    run("ignore", "native:s/plug", "--data", str(data))
    with pytest.raises(CaretakerError, match="caretaker devices"):
        run("ignore", "native:s/nobody", "--data", str(data))


def test_quarantine_and_replay(data: Path) -> None:
    assert "not-json 5" in run("quarantine", "--data", str(data))
    assert "bad0" in run("quarantine", "--show", "1", "--data", str(data))
    assert "0 usable now, 5 still refused" in run(
        "replay", "--reason", "not-json", "--data", str(data)
    )


def test_export_csv_and_parquet_hold_the_same(data: Path) -> None:
    text = run("export", "--out", "-", "--data", str(data))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["value"]) for row in rows] == [100.0, 102.0, 104.0, 106.0, 108.0]
    assert rows[0]["at"] == "2026-09-01T08:00:00.000+08:00"
    assert rows[0]["unit"] == "kWh"
    out = data / "x.parquet"
    run("export", "--out", str(out), "--format", "parquet", "--data", str(data))
    assert pq.read_table(out)["value"].to_pylist() == [float(row["value"]) for row in rows]
    hourly = run("export", "--out", "-", "--resolution", "hour", "--data", str(data))
    amounts = [float(row["value"]) for row in csv.DictReader(io.StringIO(hourly))]
    assert sum(amounts) == pytest.approx(8.0)
    with pytest.raises(CaretakerError, match="2026-09-01"):
        run("export", "--out", "-", "--from", "yesterday", "--data", str(data))


def test_init_check_backup_restore_token(data: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    run("init", "--data", str(new))
    assert (new / "site.toml").exists()
    with pytest.raises(CaretakerError, match="exists"):
        run("init", "--data", str(new))
    site = new / "site.toml"
    text = site.read_text(encoding="utf-8")
    site.write_text(text.replace("port = 8420", 'port = "high"'), encoding="utf-8")
    assert "api.port" in run("check", "--data", str(new), code=1)
    file = tmp_path / "copy.sqlite3"
    run("backup", str(file), "--data", str(data))
    assert "whole and sound" in run("restore", str(file), "--verify", "--data", str(new))
    run("restore", str(file), "--data", str(new))
    assert "native:s/plug" in run("devices", "--data", str(new))
    first = run("token", "--data", str(new))
    assert run("token", "--rotate", "--data", str(new)) != first
    assert "MQTT user plug-1 " in run("token", "--device", "plug-1", "--data", str(new))
    with pytest.raises(CaretakerError, match="letters"):
        run("token", "--device", "plug 1", "--data", str(new))


def test_init_for_compose_makes_what_it_needs_and_tells_no_secret(tmp_path: Path) -> None:
    with pytest.raises(CaretakerError, match=r"docker-compose\.yml"):
        run("init", "--compose", str(tmp_path))
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    said = run("init", "--compose", str(tmp_path), "--name", "broker.school.lan")
    assert "broker.school.lan" in said
    data = tmp_path / "data" / "caretaker"
    site, secrets = read_site(data / "site.toml"), load_or_create(data)
    assert (site.broker.url, site.broker.username) == ("mqtts://mosquitto:8883", "caretaker")
    assert (site.api.host, site.api.allow_remote) == ("0.0.0.0", True)
    assert site.influx.url == "http://influxdb:8086"
    assert secrets.external_broker_password
    for file in (tmp_path / "data" / "credentials").iterdir():
        assert file.read_text(encoding="utf-8") not in said
    assert secrets.external_broker_password not in said
    assert "kept" in run("init", "--compose", str(tmp_path))
    said = run("token", "--device", "plug_1", "--data", str(data))
    assert "-s HUP mosquitto" in said
    assert "plug_1:$7$" in (data / "mosquitto" / "passwords").read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match="--gateway"):
        run("token", "--device", "zigbee2mqtt", "--data", str(data))
    run("token", "--device", "zigbee2mqtt", "--gateway", "--data", str(data))


@pytest.mark.parametrize("known", ["admin", "ChangeMe", "my-super-secret-auth-token"])
@pytest.mark.parametrize("key", ["viewer", "external"])
def test_a_password_that_everybody_knows_stops_the_start(
    tmp_path: Path, known: str, key: str
) -> None:
    load_or_create(tmp_path)
    path = tmp_path / "secrets.toml"
    text = re.sub(rf'(?m)^{key} = "[^"]*"', f'{key} = "{known}"', path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="every example") as caught:
        load_or_create(tmp_path)
    assert known not in caught.value.problem + caught.value.remedy
    assert "every example" in run("check", "--data", str(tmp_path), code=1)


def test_a_known_password_in_the_brokers_address_stops_the_start(tmp_path: Path) -> None:
    secrets = load_or_create(tmp_path)
    settings = replace(SiteSettings(), broker=BrokerSettings(url="mqtt://admin:admin@127.0.0.1:1"))
    settings = on_port(settings, broker=0, page=free_port())
    made = App(settings, data_dir=tmp_path, clock=SystemClock(), secrets=secrets)
    with pytest.raises(ConfigurationError, match="every example"):
        made.start()


def test_drivers_show_what_a_message_becomes(data: Path) -> None:
    output = run("drivers", "--topic", "tele/p/SENSOR", "--payload", '{"ENERGY":{"Power":12}}')
    assert "power = 0.012" in output
    assert "tasmota" in run("drivers", "--data", str(data))


def test_data_that_are_not_there_say_how_they_come_to_be(tmp_path: Path) -> None:
    with pytest.raises(CaretakerError, match="caretaker run"):
        run("devices", "--data", str(tmp_path / "none"))


def _names(group: Any, before: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        full = f"{before}{name}"
        found += _names(command, f"{full} ") if hasattr(command, "commands") else [full]
    return sorted(found)


COMMANDS = _names(get_command(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_stands_in_the_docs(name: str) -> None:
    text = run(*name.split(), "--help")
    assert "Example: caretaker" in text
    docs = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"## `caretaker {name}`" in docs
    section = docs.split(f"## `caretaker {name}`")[1].split("\n## ")[0]
    for option in set(re.findall(r"(--[a-z][a-z-]+)", text)) - {"--help", "--no-healthy"}:
        assert option in section, f"{name} {option}"


def test_a_day_is_explained_and_a_swap_recorded(data: Path) -> None:
    text = run("explain", "native:s/plug", "2026-09-01", "--lang", "en", "--data", str(data))
    assert "Total 8.000 kWh" in text
    run("meter", "swap", "native:s/plug", "--at", "2026-09-01T10:30", "--author", "王工",
        "--final", "104.5", "--initial", "103.5", "--data", str(data))  # fmt: skip
    text = run("explain", "native:s/plug", "2026-09-01", "--data", str(data))
    assert "更换电表" in text
    assert "合计 9.000 kWh" in text
    assert "swap" in run("meter", "events", "native:s/plug", "--data", str(data))
    run("meter", "withdraw", "1", "--author", "w", "--reason", "x", "--data", str(data))
    assert "8.000" in run("explain", "1", "2026-09-01", "--data", str(data))
    with pytest.raises(CaretakerError, match="2026-09-01T08:15"):
        run("meter", "multiplier", "native:s/plug", "--at", "noon", "--value", "3", "--author", "w",
            "--data", str(data))  # fmt: skip


def test_numbers_are_compared_with_their_readings_and_put_right(data: Path) -> None:
    sound = run("meter", "recompute", "--data", str(data))
    assert "every number is what its readings give" in sound
    journal = sqlite3.connect(data / "journal.sqlite3")
    journal.execute("UPDATE rollup SET amount = 5 WHERE period = 'day'")
    journal.commit()
    journal.close()
    told = run("meter", "recompute", "native:s/plug", "--data", str(data))
    assert "2026-09-01: stored 5.000 kWh, by its readings 8.000 kWh" in told
    assert "1 of 1 points differ" in told
    refused = CliRunner().invoke(app, ["meter", "recompute", "--write", "--data", str(data)])
    assert "--author is missing" in str(refused.exception)
    run("meter", "recompute", "--write", "--author", "王工", "--data", str(data))
    assert "every number" in run("meter", "recompute", "--data", str(data))
