"""F25: a bad rule file is refused with line and remedy; the last good set stays in force."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting import rulefile
from alerting.rules import standard_rules
from caretaker.clock import MINUTE_MS
from caretaker.config import Override, SiteSettings
from caretaker.errors import ConfigurationError
from storage import audit
from tests.alerting.kitchen import DEVICES, At, Kitchen

RULES = standard_rules(SiteSettings())
GOOD = """\
[[rule]]
id = "warm"
rule = "cold_storage_warm"
devices = ["t:fridge"]
alarm_min = "1 h"
author = "王老师"
reason = "这台冰箱里只有饮料"
"""
BAD = {
    "syntax": ("[[rule]]\nid = warm\n", "line 2", "is no TOML"),
    "unit": (GOOD.replace('"1 h"', '"60 parsec"'), "line 5", "'parsec' is no unit"),
    "parameter": (GOOD.replace("alarm_min", "alarm_mim"), "line 5", "Did you mean alarm_min"),
    "rule": (GOOD.replace("cold_storage_warm", "cold_storage_wram"), "line 3", "is no rule"),
    "twice": (GOOD + GOOD, "line 8", "stands twice, also in line 1"),
    "empty": ("", "line 1", "is empty"),
    "half-written": (GOOD[:-12] + "\n", "line 7", "is no TOML"),
    "cut-off": (GOOD.rstrip("\n"), "line 7", "ends in the middle"),
    "no-author": (GOOD.replace("author", "# author"), "line 1", "without author and reason"),
    "role": (GOOD.replace('devices = ["t:fridge"]', 'roles = ["frigde"]'), "line 4", "is no role"),
    "section": ("[rules]\nx = 1\n", "line 1", "is no section"),
    "no-match": (GOOD.replace("t:fridge", "t:fride"), "line 1", "matches no device"),
}


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    made = Kitchen(tmp_path / "j.sqlite3", rules_file=tmp_path / "rules.toml")
    yield made
    made.close()


def look(kitchen: Kitchen) -> None:
    """Pass the time after which the file is looked at, twice: it must rest to be read."""
    for _ in range(3):
        kitchen.clock.advance(MINUTE_MS // 2)
        kitchen.journal.append([])


def put(kitchen: Kitchen, text: str) -> None:
    assert kitchen.rules_file is not None
    kitchen.rules_file.write_text(text, encoding="utf-8")
    look(kitchen)


def alarm_min(kitchen: Kitchen) -> float:
    (post,) = [
        p for p in kitchen.engine.roster.posts_of("cold_storage_warm")
        if p.subject.device.key == "t:fridge"
    ]  # fmt: skip
    return post.context.limits["alarm_min"]


def test_a_good_file_is_taken_without_a_restart_and_taken_back(kitchen: Kitchen) -> None:
    kitchen.live(At(0, air=4.0), until=5)
    assert alarm_min(kitchen) == 30.0
    put(kitchen, GOOD)
    assert alarm_min(kitchen) == 60.0
    assert kitchen.engine.book.problem == ""
    kitchen.restart()
    look(kitchen)
    assert alarm_min(kitchen) == 60.0
    assert kitchen.rules_file is not None
    kitchen.rules_file.unlink()
    look(kitchen)
    assert alarm_min(kitchen) == 30.0


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_file_is_refused_and_the_last_good_one_stays(kitchen: Kitchen, name: str) -> None:
    text, line, problem = BAD[name]
    kitchen.live(At(0, air=4.0), until=5)
    put(kitchen, GOOD)
    put(kitchen, text)
    assert alarm_min(kitchen) == 60.0
    told = kitchen.engine.book.problem
    assert line in told
    assert problem in told
    assert "rules.toml" in told
    (found,) = [i for i in kitchen.seen().incidents if i.rule == "rules_refused"]
    assert found.severity.value == "alarm"
    kitchen.restart()  # at the start too, the last good set comes from the journal
    look(kitchen)
    assert alarm_min(kitchen) == 60.0
    assert kitchen.engine.book.problem
    put(kitchen, GOOD.replace("1 h", "50 min"))
    assert alarm_min(kitchen) == 50.0
    assert kitchen.engine.book.problem == ""
    with kitchen.journal.reader() as connection:
        assert audit.verify(connection) == 0


def test_a_rule_is_switched_off_for_one_device(kitchen: Kitchen) -> None:
    put(
        kitchen,
        '[[rule]]\nid = "x"\nrule = "cold_storage_warm"\ndevices = ["t:fridge"]\non = false\n',
    )
    seen = kitchen.live(At(0, air=12.0), At(0, "samples", air=12.0), until=60)
    seen.never("cold_storage_warm")
    assert seen.of("cold_storage_warm", "samples")


def test_a_device_that_is_adopted_later_makes_the_file_good(kitchen: Kitchen) -> None:
    put(kitchen, GOOD.replace("t:fridge", "t:new"))
    assert "matches no device" in kitchen.engine.book.problem
    kitchen.journal.call(
        lambda c: c.execute(
            "INSERT INTO device (key, driver, status, role, first_heard_ms)"
            " VALUES ('t:new', 't', 'adopted', 'fridge', 1)"
        )
    )
    kitchen.engine.devices_changed()
    look(kitchen)
    assert kitchen.engine.book.problem == ""


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [("2 h", "min", 120.0), ("90 s", "min", 1.5), ("46.4 degF", "degC", 8.0), (5, "K", 5.0)],
)
def test_numbers_may_carry_their_unit(written: object, unit: str, value: float) -> None:
    assert rulefile.quantity(written, unit) == pytest.approx(value)


def test_a_schools_override_carries_author_and_reason(tmp_path: Path) -> None:
    override = Override("limit_hi_c", 6.0, "李主任", "托管班有生食", role="fridge")
    site = SiteSettings(devices=DEVICES, overrides=(override,))
    kitchen = Kitchen(tmp_path / "j.sqlite3", site=site)
    seen = kitchen.live(At(0, air=7.0), At(0, "samples", air=7.0), until=60)
    seen.expect("cold_storage_warm", "alarm", between=(10, 10))  # food as warm as the air
    seen.never("cold_storage_warm", unit="samples")
    kitchen.close()


@pytest.mark.parametrize("site", [SiteSettings(profile="FR"), SiteSettings(limits={"limit_hi": 8})])
def test_a_site_file_names_no_unknown_profile_or_parameter(site: SiteSettings) -> None:
    with pytest.raises(ConfigurationError, match=r"site\.toml"):
        standard_rules(site)


def test_a_rule_that_loses_its_device_is_noticed(kitchen: Kitchen) -> None:
    kitchen.live(At(0, "hot", food=70.0), until=10)
    kitchen.journal.call(
        lambda c: c.execute("UPDATE device SET role = 'other' WHERE key = 't:hot'")
    )
    kitchen.engine.devices_changed()
    look(kitchen)
    (found,) = [i for i in kitchen.seen().incidents if i.rule == "rule_unmatched"]
    assert "hot_holding_low" in str(found.evidence["rules"])


def test_a_fridge_without_a_thermometer_is_noticed_as_unknown(kitchen: Kitchen) -> None:
    kitchen.live(At(0, door=0.0), until=90)  # a door contact is all it has
    found = [i for i in kitchen.seen().incidents if i.rule == "data_quality"]
    assert kitchen.device("fridge") in {i.device for i in found}
