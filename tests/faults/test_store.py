"""F11, F13, F30: the store fails under a running copy, and no reading is lost without a word."""

from pathlib import Path

import pytest

from tests import stores
from tests.conftest import program
from tests.faults import store as faults

pytestmark = [pytest.mark.fault, pytest.mark.slow]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


def influxd() -> str:
    return stores.version_1_program() or program("influxd")


def test_f11_down_then_drained_ten_times_as_fast(tmp_path: Path, data: Path) -> None:
    """An hour at 1:360; memory stays flat, for what waits is in the journal."""
    with stores.influxd_1(influxd(), tmp_path / "one") as store:
        found = faults.down(store, data, version="1", down_s=10.0)
    assert found.silent_loss == 0
    assert found.projected == found.stored >= found.issued > 5_000
    assert found.lag_max_s > 9
    assert found.lag_end_s == 0
    assert found.drain_ratio >= 10
    assert found.rss_max_mb - found.rss_before_mb < 15
    assert "url right" not in found.said
    assert found.said


def test_f13_confirmed_and_not_stored_is_found(tmp_path: Path, data: Path) -> None:
    with stores.influxd_1(influxd(), tmp_path / "one") as store:
        found = faults.confirmed_and_dropped(store, data, version="1")
    assert found.silent_loss == 0
    assert found.projected == found.stored


def test_caretaker_killed_while_it_copies(tmp_path: Path, data: Path) -> None:
    with stores.influxd_1(influxd(), tmp_path / "one") as store:
        found = faults.killed(store, data, version="1", times=4)
    assert found.silent_loss == 0
    assert found.projected == found.stored >= found.issued > 0


def test_f30_influxd_killed_and_its_files_deleted(tmp_path: Path, data: Path) -> None:
    with stores.influxd_1(influxd(), tmp_path / "one") as store:
        found = faults.wiped(store, data, version="1")
    assert found.silent_loss == 0
    assert found.projected == found.stored
