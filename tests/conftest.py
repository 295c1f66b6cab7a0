"""What every test may ask for; in CI a server that cannot start fails the run."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import stores

# A busy machine is no failure: what must be fast is measured by the benches.
settings.register_profile("caretaker", deadline=None)
settings.load_profile("caretaker")

CI = os.environ.get("CI", "") not in {"", "0", "false"}


def program(*names: str) -> str:
    """Return the path of a program, skip without it, and fail in CI."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found:
            return found
    message = f"{names[0]} is not installed"
    if CI:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """Path of mosquitto."""
    return program("mosquitto")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium."""
    return program("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def influxdb_1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Store]:
    """An InfluxDB 1 for all tests of a worker."""
    found = stores.version_1_program() or program("influxd")
    with stores.influxd_1(found, tmp_path_factory.mktemp("influxdb-1")) as store:
        yield store


@pytest.fixture(scope="session")
def influxdb_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Store]:
    """An InfluxDB 2, by INFLUXDB_URL or on PATH; none is packaged, so CI may be without."""
    external = stores.external_2()
    if external is not None:
        yield external
        return
    found = stores.version_2_program()
    if not found:
        pytest.skip("no InfluxDB 2: neither INFLUXDB_URL nor an influxd of version 2 on PATH")
    with stores.influxd_2(found, tmp_path_factory.mktemp("influxdb-2")) as store:
        yield store


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Store]:
    """A VictoriaMetrics for all tests of a worker."""
    found = program("victoria-metrics")
    with stores.victoria(found, tmp_path_factory.mktemp("victoria")) as store:
        yield store


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of real device messages beside the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "payloads"
    if not folder.is_dir():
        if CI:
            pytest.fail("the real device messages are not beside the project")
        pytest.skip("the real device messages are not beside the project")
    return folder
