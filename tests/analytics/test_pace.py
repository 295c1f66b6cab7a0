"""A job that can wait gives way to readings that come thick, and to nothing else."""

import threading
import time

from analytics.kpi_job.pace import Pace


class Rests(threading.Event):
    """An event that notes how long somebody would have waited for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Note the rest and go on at once."""
        self.waited.append(timeout or 0.0)
        return True


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_it_rests_nine_times_as_long_as_it_worked_under_load() -> None:
    taken, rests = [0], Rests()
    pace = Pace(lambda: taken[0], rests)
    work(0.006)
    taken[0] = 1_000_000
    pace.rest()
    assert len(rests.waited) == 1
    assert rests.waited[0] >= 9 * 0.006


def test_a_calm_site_holds_nothing_up() -> None:
    rests = Rests()
    pace = Pace(lambda: 0, rests)
    for _ in range(3):
        work(0.006)
        pace.rest()
    assert rests.waited == []


def test_little_work_needs_no_rest() -> None:
    taken, rests = [0], Rests()
    pace = Pace(lambda: taken[0], rests)
    taken[0] = 1_000_000
    pace.rest()
    assert rests.waited == []
