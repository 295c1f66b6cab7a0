"""caretaker influx, as a person types it, on a real server; and the same through the API."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from caretaker.app import App
from caretaker.cli import app
from caretaker.clock import SystemClock
from caretaker.errors import ConfigurationError
from caretaker.secrets import load_or_create
from caretaker.sitefile import read_site
from caretaker.vocabulary import Arrival, Measured
from storage.influx.influxql import QueryError
from storage.influx.server import Server, Tokens
from tests.stores import Store, free_port


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["influx", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def arrivals(first: int, count: int) -> list[Arrival]:
    now_ms = SystemClock().now_ms()
    return [
        Arrival(
            "t",
            b"x",
            now_ms,
            "native:s/m",
            "native",
            (Measured("", "power", now_ms - 10_000 + first + n, float(n)),),
        )
        for n in range(count)
    ]


@pytest.fixture
def data(influxdb_1: Store, tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(
        f'[site]\nid = "bycommand"\n[influx]\nurl = "{influxdb_1.url}"\nbucket = "commands"\n'
        f"[broker]\nport = {free_port()}\n[api]\nport = {free_port()}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def running(data: Path) -> Iterator[App]:
    site = read_site(data / "site.toml")
    made = App(site, data_dir=data, clock=SystemClock(), secrets=load_or_create(data))
    made.start()
    yield made
    made.stop()


def counted(store: Store) -> int:
    server = Server(store.settings, Tokens())
    server.recognise()
    text = 'SELECT count("value") FROM "commands".."power" WHERE "site" = \'bycommand\''
    try:
        return sum(int(row[1]) for series in server.query(text) for row in series.rows)
    except QueryError as error:
        if "database not found" in str(error):  # it was just dropped
            return 0
        raise
    finally:
        server.close()


def test_a_running_caretaker_copies_tells_and_rebuilds(
    running: App, data: Path, influxdb_1: Store
) -> None:
    running.journal.append(arrivals(0, 40))
    _until(lambda: counted(influxdb_1) == 40)
    assert "InfluxDB 1" in run("status", "--data", str(data))
    names = [name for name, ok, _, _ in running.checks() if ok]
    assert "influx" in names
    metrics = httpx2.get(f"{running.url}/api/v1/metrics", trust_env=False).text
    assert "caretaker_projection_lag_seconds 0.0" in metrics
    server = Server(influxdb_1.settings, Tokens())
    server.recognise()
    server.command('DROP DATABASE "commands"')
    server.close()
    assert "rebuilds it" in run("rebuild", "--data", str(data))
    _until(lambda: counted(influxdb_1) == 40)
    headers = {"Authorization": f"Bearer {running.secrets.viewer_token}"}
    refused = httpx2.post(f"{running.url}/api/v1/influx/rebuild", headers=headers, trust_env=False)
    assert refused.status_code == 403
    shown = httpx2.get(f"{running.url}/api/v1/influx", headers=headers, trust_env=False).json()
    assert shown["configured"]
    assert json.dumps(shown).count(influxdb_1.url) == 1


def test_at_rest_the_commands_do_the_work_themselves(
    running: App, data: Path, influxdb_1: Store
) -> None:
    running.journal.append(arrivals(0, 30))
    running.stop()
    assert "holds what the journal holds" in run("rebuild", "--data", str(data))
    assert counted(influxdb_1) == 30
    assert "following" in run("status", "--data", str(data))


def test_a_site_without_influxdb_is_told_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"influx\.url"):
        run("status", "--data", str(tmp_path))


def _until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
