"""One InfluxDB with a quarter in it for all tests of a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import program
from tests.dashboards import quarter
from tests.dashboards.influxdb import Influx, influxdb_1


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    """InfluxDB with a quarter of a campus."""
    folder: Path = tmp_path_factory.mktemp("influx")
    with influxdb_1(program("influxd"), folder) as influx:
        influx.write(quarter.lines())
        yield influx
