"""F25: rule files with every kind of mistake; the last good set goes on alerting."""

from pathlib import Path

from caretaker.clock import MINUTE_MS
from tests.alerting.kitchen import At, Kitchen
from tests.alerting.test_rule_file import BAD, GOOD
from tests.faults.result import Result

NAME = "F25"
TITLE = "rule file: 12 mistakes, last good set stays"


def run(folder: Path, *, full: bool) -> Result:
    """Each bad file is refused by line, told as an alarm, and a warm fridge is alerted of."""
    del full
    folder.mkdir(parents=True)
    result = Result(NAME, TITLE)
    for name, (text, line, _) in BAD.items():
        rules = folder / f"{name}.toml"
        rules.write_text(GOOD, encoding="utf-8")
        kitchen = Kitchen(folder / f"{name}.sqlite3", rules_file=rules)
        kitchen.live(At(0, air=4.0, food=4.0), until=5)
        rules.write_text(text, encoding="utf-8")
        for _ in range(3):
            kitchen.clock.advance(MINUTE_MS // 2)
            kitchen.journal.append([])
        kitchen.live(At(10, air=9.0), until=100)
        found = {i.rule for i in kitchen.seen().incidents}
        wanted = {f"{name}: refused", f"{name}: the good set's alarm"}
        told: dict[str, int] = {}
        if "rules_refused" in found and line in kitchen.engine.book.problem:
            told[f"{name}: refused"] = 1
        alarms = [
            event.minute
            for event in kitchen.seen().of("cold_storage_warm")
            if event.severity == "alarm"
        ]
        if alarms and alarms[0] > 75:
            result.late += 1
        if alarms and alarms[0] >= 70:  # an hour by the good set, not half an hour
            told[f"{name}: the good set's alarm"] = 1
        result.count(wanted, told)
        if len(told) < 2:
            result.problems.append(f"{name}: {sorted(found)}, {kitchen.engine.book.problem}")
        kitchen.close()
    return result
