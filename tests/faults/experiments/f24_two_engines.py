"""F24: two Caretakers on one journal; the one at work is paused, the other leads, then it wakes."""

import signal
import time
from pathlib import Path

from tests.faults.result import Result
from tests.faults.school import school, until

NAME = "F24"
TITLE = "two engines, one paused (SIGSTOP)"


def run(folder: Path, *, full: bool) -> Result:
    """Pause the leader (60 s in full), publish meanwhile, let it go on: it must be fenced."""
    pause_s, lease_ms = (60.0, 15_000) if full else (8.0, 3_000)
    result = Result(NAME, TITLE, duplicates_allowed=1)
    with school(folder, fridges=4, lease_ms=lease_ms) as under_test:
        leader = under_test.start()
        until(under_test.ready, within_s=60)
        under_test.warm("f0")
        until(lambda: under_test.told()["f0"], within_s=30)
        second, _ = under_test.site_file("second.toml")
        under_test.start(standby=True, site=second)
        time.sleep(3.0)  # it stands by
        leader.send_signal(signal.SIGSTOP)
        paused = time.monotonic()
        under_test.warm("f1")
        until(lambda: under_test.told()["f1"], within_s=lease_ms / 1000 + 120)
        result.due(time.monotonic() - paused, within_s=lease_ms / 1000 + 60)
        under_test.warm("f2")
        result.due(until(lambda: under_test.told()["f2"], within_s=120), within_s=60)
        time.sleep(max(0.0, pause_s - (time.monotonic() - paused)))
        leader.send_signal(signal.SIGCONT)
        try:
            leader.wait(40)
        except Exception as error:  # it must see that it was fenced, and end
            result.problems.append(f"the stale one went on: {error}")
        under_test.warm("f3")
        result.due(until(lambda: under_test.told()["f3"], within_s=120), within_s=60)
        time.sleep(2.0)  # what the stale one might still say
        result.count(under_test.wanted(), under_test.told())
        result.messages = len(under_test.hook.got)
    result.note = f"paused {pause_s:g} s, lease {lease_ms / 1000:g} s"
    return result
