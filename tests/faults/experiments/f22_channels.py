"""F22: the channel is sick for an hour, in every way a channel can be."""

import shutil
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

from caretaker.clock import MINUTE_MS
from caretaker.config import ChannelSettings, DeviceSettings, Person, SiteSettings
from tests.contract.channel_servers import Certificates, HttpService, make_certificates
from tests.faults.office import Office
from tests.faults.result import Result

NAME = "F22"
TITLE = "channel sick for an hour, in each way"
_MODES = (
    "429", "302", "errcode", "500", "403", "hang", "drip", "tls expired", "refused", "nohost",
)  # fmt: skip
_FALL_BACK_S = 5 * 60 + 30
_AFTER_S = 15 * 60 + 60
"""The longest that a channel is left alone, and a minute."""
_IMPATIENT_S = 0.5  # in place of ten seconds: the hour here is virtual, the hanging is not


def run(folder: Path, *, full: bool) -> Result:
    """The first channel is sick: the second takes it within 5 min, the first when it is well."""
    del full
    result = Result(NAME, TITLE)
    folder.mkdir(parents=True)
    openssl = shutil.which("openssl")
    certificates = make_certificates(openssl, folder) if openssl else None
    for mode in _MODES:
        if mode.startswith("tls") and certificates is None:
            result.problems.append("openssl is not installed")
            continue
        _mode(folder / mode, mode, certificates, result)
    result.note = "second channel within 5 min, the first 15 min after it is well at the latest"
    return result


class _Sick:
    """The first channel's service, which can be made well."""

    def __init__(self, mode: str, certificates: Certificates | None) -> None:
        self.mode, self._certificates = mode, certificates
        self._context: ssl.SSLContext | None = None
        if mode.startswith("tls") and certificates is not None:
            self._context = certificates.context("expired")
        heals = mode not in {"refused", "nohost"} and self._context is None
        self.service = HttpService(mode if heals else "ok", self._context)
        self.heals = heals or self._context is not None
        if mode == "refused":
            self.service.stop()

    def options(self) -> dict[str, str | int | float | bool]:
        host = "nohost.invalid" if self.mode == "nohost" else "localhost"
        scheme = "https" if self._context else "http"
        ca = self._certificates.authority if self._certificates and self._context else ""
        url = f"{scheme}://{host}:{self.service.port}/"
        return {"url": url, "token": "t", "allow_private": True, "ca_file": ca}

    def heal(self) -> None:
        self.service.mode = "ok"
        if self._context is not None and self._certificates is not None:
            folder = self._certificates.folder
            self._context.load_cert_chain(folder / "good.pem", folder / "key.pem")


def _mode(folder: Path, mode: str, certificates: Certificates | None, result: Result) -> None:
    folder.mkdir(parents=True)
    sick, second = _Sick(mode, certificates), HttpService("ok")
    site = SiteSettings(
        channels=(
            ChannelSettings("robot", "dingtalk", options=sick.options()),
            ChannelSettings("sms", "sms", options={
                "url": f"http://127.0.0.1:{second.port}/", "allow_private": True}),
        ),
        people=(Person("wang", contacts={"robot": "13800000000", "sms": "13800000000"}),),
        devices=(DeviceSettings("t:f", name="f", role="fridge", interval_s=300),),
    )  # fmt: skip
    office = Office(folder / "j.sqlite3", site, secrets={"robot": "SEC", "sms": "s"})
    robot: Any = office.courier._channels["robot"]
    office.courier._channels["robot"] = replace(
        robot, target=replace(robot.target, deadline_s=_IMPATIENT_S)
    )
    office.warm(["t:f"])
    began_ms = office.clock.now_ms()
    office.step(1)
    while not second.got and office.clock.now_ms() - began_ms < 30 * MINUTE_MS:
        office.step(10)
    result.expected += 1
    result.delivered += bool(second.got)
    result.missed += not second.got
    result.due((office.clock.now_ms() - began_ms) / 1000, within_s=_FALL_BACK_S)
    office.run(60 * 60, every=60)
    if sick.heals:
        _after(office, sick, mode, result)
    result.messages += len(sick.service.got) + len(second.got)
    office.close()
    second.stop()
    if mode != "refused":
        sick.service.stop()


def _after(office: Office, sick: _Sick, mode: str, result: Result) -> None:
    """Make it well and see that it takes what waited for it."""
    tries = len(sick.service.got)
    waited = _delivered(office)
    sick.heal()
    healed_ms = office.clock.now_ms()
    while _delivered(office) == waited and office.clock.now_ms() - healed_ms < 30 * MINUTE_MS:
        office.step(30)
    result.expected += 1
    result.delivered += _delivered(office) > waited
    result.missed += _delivered(office) == waited
    result.due((office.clock.now_ms() - healed_ms) / 1000, within_s=_AFTER_S)
    if tries > 40:
        result.problems.append(f"{mode}: {tries} tries in an hour are hammering")


def _delivered(office: Office) -> int:
    with office.journal.reader() as connection:
        row = connection.execute(
            "SELECT count(*) FROM outbox WHERE channel = 'robot' AND state = 'delivered'"
        ).fetchone()
    return int(row[0])
