"""The short half of the alerts' fault plan; `make faults` runs all of it and prints the table."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import program
from tests.faults.chain import NoTracerError
from tests.faults.experiments import EXPERIMENTS
from tests.faults.school import MINUTE_MS, expected

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda module: module.NAME)
def test_nobody_misses_an_alert(experiment: ModuleType, tmp_path: Path, mosquitto: str) -> None:
    if experiment.NAME in {"F2", "F3"}:
        program("strace")
    try:
        result = experiment.run(tmp_path / "x", full=False)
    except NoTracerError as error:  # a container that forbids ptrace forbids this test
        pytest.skip(str(error))
    assert result.passed, result.row()


def test_the_reference_is_the_rule_book() -> None:
    rows = [(0, 4.0), (5 * MINUTE_MS, 13.0), (10 * MINUTE_MS, 13.0)]
    assert expected(rows)
    assert not expected(rows[:2])
    assert not expected([*rows[:2], (6 * MINUTE_MS, 13.0)])  # too near: a fast probe at a door
    assert not expected([(0, 14.0), (5 * MINUTE_MS, 4.0), (10 * MINUTE_MS, 14.0)])
