"""F17: clocks of devices and of the server that are wrong, or jump."""

from pathlib import Path

from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Arrival, Measured, Quality
from tests.alerting.kitchen import Kitchen, arrival
from tests.faults.result import Result

NAME = "F17"
TITLE = "clocks: devices 5 min off, server set back or ahead"
_EVERY_MS = 5 * MINUTE_MS
_CASES = {
    # name: (device's clock against ours, jump of the server's clock, readings without a time)
    "device 5 min slow": (-5 * MINUTE_MS, 0, False),
    "device 5 min fast": (5 * MINUTE_MS, 0, False),
    "server back 1 h": (0, -HOUR_MS, True),
    "server back 1 d": (0, -DAY_MS, True),
    "server ahead 1 h": (0, HOUR_MS, True),
    "server slews 20 s": (0, -20_000, True),
}


def run(folder: Path, *, full: bool) -> Result:
    """A fridge that gets warm after the jump has its alarm after half an hour of it, once."""
    del full
    folder.mkdir(parents=True)
    result = Result(NAME, TITLE)
    for number, (name, (skew_ms, jump_ms, clockless)) in enumerate(_CASES.items()):
        kitchen = Kitchen(folder / f"{number}.sqlite3")
        first = 0
        for n in range(24):
            now_ms = kitchen.clock.now_ms()
            value = 4.0 if n < 12 else 10.0
            if clockless:
                measured = (Measured("air", "temperature", now_ms, value, Quality.NO_CLOCK),)
                sent = Arrival("t", b"x", now_ms, "t:fridge", "t", measured)
            else:
                sent = arrival("fridge", now_ms + skew_ms, air=value)
            kitchen.journal.append([sent])
            if (
                n > 12
                and not first
                and any(
                    i.rule == "cold_storage_warm" and i.severity.value == "alarm"
                    for i in kitchen.seen().incidents
                )
            ):
                first = n
            kitchen.clock.advance(_EVERY_MS + (jump_ms if n == 11 else 0))
        found = [i for i in kitchen.seen().incidents if i.rule == "cold_storage_warm"]
        told = [i.severity.value for i in found]
        if told == ["alarm"]:
            result.count([name], {name: 1})
            # 30 min, and the sample after; a step ahead is time that nobody measured.
            result.due((first - 12) * 300, within_s=30 * 60 + 300)
        else:
            result.count([name], {})
            result.problems.append(f"{name}: {told}")
        if kitchen.engine.faults or kitchen.journal.judge_failures:
            result.problems.append(f"{name}: {dict(kitchen.engine.faults)}")
        kitchen.close()
    return result
