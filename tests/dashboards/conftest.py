"""A quarter of a campus in a real InfluxDB, once for all tests of a worker."""

import pytest

from tests.dashboards import quarter
from tests.dashboards.influxdb import Influx
from tests.stores import Store


@pytest.fixture(scope="session", params=["influxdb_1", "influxdb_2"])
def filled(request: pytest.FixtureRequest) -> Influx:
    """InfluxDB with a quarter in it: version 1 always, version 2 wherever there is one."""
    store: Store = request.getfixturevalue(request.param)
    influx = Influx.of(store)
    influx.write(quarter.lines())
    return influx
