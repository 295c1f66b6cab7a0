"""F21: one, half, all devices fall silent; before the first reading; across a restart."""

from pathlib import Path

from caretaker.clock import MINUTE_MS
from caretaker.config import ChannelSettings, DeviceSettings, SiteSettings
from tests.contract.channel_servers import HttpService
from tests.faults.office import Office
from tests.faults.result import Result

NAME = "F21"
TITLE = "silence: one, half, all, never heard, restart"
_FRIDGES = 6
_DUE_S = 16 * 60  # three check-ins of five minutes and a minute of slack
_CASES = ("one", "half", "all", "never", "restart")


def run(folder: Path, *, full: bool) -> Result:
    """Every silent device has an incident 60 s after it is due; a warm one never recovers by it."""
    del full
    result = Result(NAME, TITLE)
    for case in _CASES:
        _case(folder / case, case, result)
    return result


def _case(folder: Path, case: str, result: Result) -> None:
    folder.mkdir(parents=True)
    service = HttpService("ok")
    site = SiteSettings(
        channels=(
            ChannelSettings(
                "hook", "webhook", ("notice", "alarm", "critical"),
                {"url": f"http://127.0.0.1:{service.port}/", "allow_private": True},
            ),
        ),
        devices=tuple(
            DeviceSettings(f"t:f{n}", name=f"f{n}", role="fridge", building="c", interval_s=300)
            for n in range(_FRIDGES)
        ),
    )  # fmt: skip
    office = Office(folder / "j.sqlite3", site, secrets={})
    keys = [device.key for device in site.devices]
    silent = {"one": keys[:1], "half": keys[:3], "never": keys[:1]}.get(case, keys)
    heard = [key for key in keys if case != "never" or key not in silent]
    for _ in range(4):
        office.send(dict.fromkeys(heard, 4.0))
        office.run(300, every=30)
    # A warm fridge falls silent with the others: its alarm must stay (I5).
    hot = keys[0] if case != "never" else ""
    if hot:
        office.send({hot: 14.0})
        office.run(300, every=30)
        office.send({hot: 14.0})
        office.step(1)
    stopped_ms = office.clock.now_ms()
    while office.clock.now_ms() - stopped_ms < (_DUE_S + 60) * 1000:
        if case == "restart" and office.clock.now_ms() - stopped_ms == 8 * MINUTE_MS:
            office.close()
            office.open()
        going = {key: 4.0 for key in keys if key not in silent}
        if going and (office.clock.now_ms() - stopped_ms) % (5 * MINUTE_MS) < 10_000:
            office.send(going)
        office.step(10)
    _judge(office, case, silent, hot, result)
    result.messages += len(service.got)
    office.close()
    service.stop()


def _judge(office: Office, case: str, silent: list[str], hot: str, result: Result) -> None:
    names = {device.id: device.key for device in office.journal.devices()}
    opened = office.open_incidents()
    found = {names[i.device] for i in opened if i.rule == "device_silent" and i.device}
    result.expected += len(silent)
    missing = set(silent) - found
    if case == "restart" and missing:
        # Caretaker's own pause is not held against the devices: due anew after the restart.
        office.run(9 * 60, every=10)
        again = office.open_incidents()
        missing -= {names[i.device] for i in again if i.rule == "device_silent" and i.device}
        opened = again
    result.delivered += len(silent) - len(missing)
    result.missed += len(missing)
    result.false += len(found - set(silent))
    if len(silent) >= 3 and not any(i.rule == "units_unmonitored" for i in opened):
        result.problems.append(f"{case}: no incident of the whole building")
    if hot and not any(i.rule == "cold_storage_warm" and i.state == "firing" for i in opened):
        result.problems.append(f"{case}: silence cleared a warm fridge")
