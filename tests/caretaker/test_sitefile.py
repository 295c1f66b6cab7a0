"""site.toml: every mistake names file, key and remedy; the template reads back as the defaults."""

import contextlib
import dataclasses
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker import config
from caretaker.config import SiteSettings
from caretaker.errors import ConfigurationError
from caretaker.secrets import load_or_create, rotate, with_devices
from caretaker.sitefile import parse_site
from caretaker.template import TEMPLATE
from simulators.site import demo_site

ROOT = Path(__file__).resolve().parents[2]
TARIFF = '[[tariff]]\nutility = "water"\nstart = 2026-01-01\nprice_cny = 1.0\n'


def test_the_template_is_the_defaults() -> None:
    assert parse_site(TEMPLATE, file="site.toml") == SiteSettings()


def test_the_template_with_its_examples_switched_on_is_valid() -> None:
    lines = []
    for line in TEMPLATE.splitlines():
        example = re.match(r"# (\[\[|[a-z_]+ = )", line)
        lines.append(line[2:] if example else line)
    text = "\n".join(lines)
    settings_ = parse_site(text, file="site.toml")
    assert settings_.devices[0].limits == {"limit_hi_c": 6.0}
    assert [channel.kind for channel in settings_.channels] == ["console", "webhook"]
    assert settings_.calendar.terms[0].start.isoformat() == "2026-09-01"


def _names() -> list[str]:
    kinds = [c for c in vars(config).values() if dataclasses.is_dataclass(c)]
    skip = {"options", "buildings", "areas", "channels", "devices", "terms", "calendar", "tariffs"}
    skip |= {"broker", "api", "influx", "limits", "kpi", "tariff_tables", "targets"}
    skip |= {"tiers", "bands", "mappings", "fields", "overrides"}
    skip |= {"people", "shifts", "buttons", "escalation", "quiet", "watchdog"}
    return [f.name for kind in kinds for f in dataclasses.fields(kind) if f.name not in skip]


@pytest.mark.parametrize("name", sorted(set(_names())))
def test_every_setting_stands_in_the_template_and_in_the_docs(name: str) -> None:
    assert re.search(rf"\b{name}\b", TEMPLATE)
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        ('[[person]]\nid = "w"\ncontacts = { sms = "1" }', "person[0].contacts.sms", "Known"),
        ('[[person]]\nid = "w"', "person[0].contacts", "contacts ="),
        ('[[shift]]\npeople = ["x"]', "shift[0].people", ""),
        ('[[shift]]\non = "sunday"', "shift[0].on", "teaching"),
        ('[[button]]\ntopic = "a/#"\nperson = "x"', "button[0].topic", "one topic"),
        (
            "[escalation]\nalarm = [{ after_min = 9, level = 1 }]",
            "escalation.alarm[0].level",
            "levels",
        ),
        (
            "[escalation]\nalarm = [{ after_min=9, levels=[1] }, { after_min = 0, levels = [2] }]",
            "escalation.alarm",
            "Earliest",
        ),
        ('[site]\nnmae = "x"', "site.nmae", "name"),
        ('[site]\nzone = "Asia/Nowhere"', "site.zone", ""),
        ('[site]\npupils = "many"', "site.pupils", "many"),
        ('[site]\nlang = "fr"', "site.lang", "zh-CN"),
        ("[api]\nport = 99999", "api.port", "1024"),
        ('[api]\nhost = "0.0.0.0"', "api.host", "allow_remote"),
        ('[[device]]\nkey = "a:b"\nrole = "fridg"', "device[0].role", "fridge"),
        ('[[device]]\nkey = "a:b"\n[[device]]\nkey = "a:b"', "device[0].key", "once"),
        ('[[device]]\nkey = "a:b"\nparent = "c:d"', "device[0].parent", "upstream"),
        ('[device]\nkey = "a:b"', "device", "[[device]]"),
        (
            "[[calendar.term]]\nstart = 2026-09-01\nende = 2027-01-01",
            "calendar.term[0].ende",
            "end",
        ),
        ("[[calendar.term]]\nstart = 2026-09-01\nend = 2026-01-01", "calendar.term[0].end", ""),
        ('[influx]\nurl = "influx:8086"', "influx.url", "http://"),
        ('[influx]\nurl = "http://a:b@influx:8086"', "influx.url", "secrets.toml"),
        ('[influx]\nversion = "4"', "influx.version", "victoria"),
        ('[influx]\nbucket = "a b"', "influx.bucket", "letters"),
        ("[influx]\nretention_days = -1", "influx.retention_days", "0 keeps"),
        ("[influx]\nreadings_retention_days = 9", "influx.readings_retention_days", "bucket"),
        ('[kpi]\nenergy_factors = "CN-GB2589"', "kpi.energy_factors", "CN-GB2589-2020"),
        ("[tariffs]\npower_factor_standard = 0.8", "tariffs.power_factor_standard", "0.90"),
        (
            '[[tariff]]\nutility = "gas"\nstart = 2026-01-01\nprice_cny = 1.0',
            "tariff[0].utility",
            "electricity",
        ),
        (
            TARIFF + "[[tariff.tier]]\nabove = 5.0\nprice_cny = 1.0",
            "tariff[0].tier",
            "above = 0",
        ),
        (
            TARIFF
            + '[[tariff.band]]\nband = "high"\nprice_cny = 1\nstart = 08:00:00\nend = 09:00:00',
            "tariff[0].band[0].band",
            "sharp",
        ),
        (
            TARIFF + "[[tariff.band]]\nbant = 1",
            "tariff[0].band[0].bant",
            "band",
        ),
        ('[[target]]\nkpi = "x"\nperiod = "day"\nvalue = "much"', "target[0].value", "much"),
        ("[sight]", "sight", "site"),
        ("[site", "(syntax)", ""),
    ],
)
def test_a_mistake_names_key_and_remedy(text: str, key: str, remedy: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_site(text, file="site.toml")
    assert (error.value.file, error.value.key) == ("site.toml", key)
    assert remedy in error.value.remedy
    assert error.value.remedy


_VALUES = st.one_of(st.integers(-5, 70_000), st.booleans(), st.text(max_size=8), st.floats(0, 9))


@settings(max_examples=150, deadline=None)
@given(
    table=st.sampled_from(["site", "calendar", "tariffs", "broker", "api", "influx", "limits"]),
    name=st.sampled_from(sorted(set(_names()))),
    value=_VALUES,
)
def test_no_value_breaks_the_reader(table: str, name: str, value: Any) -> None:
    shown = f'"{value!r}"' if isinstance(value, str) else str(value).lower()
    text = f"[{table}]\n{name} = {shown}".replace("\\", "/").replace("\"'", '"').replace("'\"", '"')
    with contextlib.suppress(ConfigurationError):
        parse_site(text, file="site.toml")


def test_the_demos_site_is_one_that_a_file_could_describe() -> None:
    site = demo_site()
    assert {device.parent for device in site.devices} - {""} <= {d.key for d in site.devices}


def test_secrets_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    first = load_or_create(tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600
    assert load_or_create(tmp_path) == first
    more = with_devices(tmp_path, first, ["meter"])
    assert load_or_create(tmp_path).device_passwords == more.device_passwords
    assert rotate(tmp_path, more).viewer_token != first.viewer_token
    assert first.viewer_token not in repr(first)
    (tmp_path / "secrets.toml").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_or_create(tmp_path)
