"""F22: the channel is down for an hour, in every way a channel can be."""

from pathlib import Path

from caretaker.clock import MINUTE_MS
from caretaker.config import ChannelSettings, DeviceSettings, Person, SiteSettings
from tests.contract.channel_servers import HttpService
from tests.faults.office import Office
from tests.faults.result import Result

NAME = "F22"
TITLE = "channel sick for an hour, in each way"
_MODES = ("429", "302", "errcode", "500", "refused", "nohost")
_FALL_BACK_S = 5 * 60 + 30


def run(folder: Path, *, full: bool) -> Result:
    """The first channel is sick: the second takes it within 5 min, the first when it is well."""
    del full
    result = Result(NAME, TITLE)
    for mode in _MODES:
        _mode(folder / mode, mode, result)
    return result


def _mode(folder: Path, mode: str, result: Result) -> None:
    folder.mkdir(parents=True)
    sick, second = (
        HttpService(mode if mode in {"429", "302", "errcode", "500"} else "ok"),
        HttpService("ok"),
    )
    port, host = sick.port, "127.0.0.1"
    if mode == "refused":
        sick.stop()
    if mode == "nohost":
        host = "nohost.invalid"
    site = SiteSettings(
        channels=(
            ChannelSettings("robot", "dingtalk", options={
                "url": f"http://{host}:{port}/", "token": "t", "allow_private": True}),
            ChannelSettings("sms", "sms", options={
                "url": f"http://127.0.0.1:{second.port}/", "allow_private": True}),
        ),
        people=(Person("wang", contacts={"robot": "13800000000", "sms": "13800000000"}),),
        devices=(DeviceSettings("t:f", name="f", role="fridge", interval_s=300),),
    )  # fmt: skip
    office = Office(folder / "j.sqlite3", site, secrets={"robot": "SEC", "sms": "s"})
    office.warm(["t:f"])
    began_ms = office.clock.now_ms()
    office.step(1)
    while not second.got and office.clock.now_ms() - began_ms < 30 * MINUTE_MS:
        office.step(10)
    took_s = (office.clock.now_ms() - began_ms) / 1000
    result.worst_s = max(result.worst_s, took_s)
    result.expected += 1
    result.delivered += bool(second.got)
    result.missed += not second.got
    result.late += took_s > _FALL_BACK_S
    office.run(60 * 60, every=60)
    if mode in {"429", "302", "errcode", "500"}:
        tries = len(sick.got)
        sick.mode = "ok"
        office.run(20 * 60, every=60)
        result.delivered += len(sick.got) > tries
        result.missed += len(sick.got) == tries
        result.expected += 1
        if tries > 40:
            result.problems.append(f"{mode}: {tries} tries in an hour are hammering")
    result.messages += len(sick.got) + len(second.got)
    office.close()
    second.stop()
    if mode != "refused":
        sick.stop()
