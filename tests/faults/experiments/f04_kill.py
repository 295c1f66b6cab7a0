"""F4: kill -9 at every place between a reading and the hand-over of its alert."""

import subprocess
import time
from pathlib import Path

from caretaker.faultpoints import POINTS
from tests.faults.result import Result
from tests.faults.school import School, school, until

NAME = "F4"
TITLE = "kill -9 at each fault point"
_SHORT = ("journal.judged", "courier.handed")


def run(folder: Path, *, full: bool) -> Result:
    """Let it die once at each point; start it again; everybody must be told, once."""
    points = POINTS if full else _SHORT
    result = Result(NAME, TITLE, duplicates_allowed=len(points))
    with school(folder, fridges=len(points) + 1) as under_test:
        process = under_test.start()
        until(under_test.ready, within_s=60)
        process.kill()
        process.wait()
        for number, point in enumerate(points):
            fridge = f"f{number}"
            process = under_test.start(fault=point)
            until(under_test.listening, within_s=60)
            under_test.warm(fridge)
            _dies(process, point, result)
            process = under_test.start()
            began = time.monotonic()
            _told(under_test, fridge, result)
            result.due(time.monotonic() - began, within_s=60.0)
            process.kill()  # between two points it dies too
            process.wait()
        under_test.start()
        fresh = f"f{len(points)}"
        under_test.warm(fresh)  # I7: a fresh excursion is told after the faults
        _told(under_test, fresh, result)
        result.count(under_test.wanted(), under_test.told())
        result.messages = len(under_test.hook.got)
    result.note = f"{len(points)} points, each a kill and a restart"
    return result


def _dies(process: "subprocess.Popen[bytes]", point: str, result: Result) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        result.problems.append(f"{point} was never reached")
        process.kill()
        process.wait()


def _told(under_test: School, fridge: str, result: Result) -> None:
    try:
        until(lambda: under_test.told()[fridge], within_s=180)
    except TimeoutError:
        result.problems.append(f"{fridge} was not told within 180 s")
