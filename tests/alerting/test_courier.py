"""Notifications reach real receivers: once when they answer, again when they do not."""

import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerting.channels import build_channels
from alerting.notify.deliver import Courier
from alerting.texts import BODIES, render
from caretaker.clock import MINUTE_MS, ManualClock
from caretaker.config import ChannelSettings, DeviceSettings, SiteSettings
from caretaker.vocabulary import Severity
from ingest.metering import intervals
from storage import devices, incidents, outbox
from storage.journal import Journal

NOW_MS = 1_788_220_800_000
EVIDENCE: dict[str, float | int | str] = {
    "air_c": 11.5, "peak_c": 12.0, "food_c": 8.4, "limit_c": 8.0, "exposure_min": 40.0,
    "left_min": 80.0, "at_ms": NOW_MS, "last_ms": NOW_MS, "silent_min": 20, "flow_l_h": 64.0,
    "toilets": 3.8, "cny_day": 6.3, "hours": 25.0,
}  # fmt: skip


class Receiver:
    """An HTTP server that answers with the codes it was told, then 200."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.codes.pop(0) if outer.codes else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its base's name)
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"


class Smtp(socketserver.ThreadingTCPServer):
    """As much of SMTP (RFC 5321) as a client needs to hand over a mail."""

    daemon_threads = True
    mails: list[bytes]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            say = self.wfile.write
            say(b"220 test ESMTP\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    say(b"354 go on\r\n")
                    body = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        body += part
                    self.server.mails.append(body)  # type: ignore[attr-defined]
                say(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def smtp() -> Iterator[Smtp]:
    made = Smtp(("127.0.0.1", 0), Smtp.Handler)
    made.mails = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


class Office:
    """A journal with one open incident, and the courier under test."""

    def __init__(self, path: Path, channels: tuple[ChannelSettings, ...], name: str) -> None:
        self.clock = ManualClock(NOW_MS)
        self.path = path
        self.site = SiteSettings(channels=channels)
        self.journal = Journal(
            path, zone=ZoneInfo("Asia/Shanghai"), arithmetic=intervals, clock=self.clock
        )
        self.journal.open()
        device = DeviceSettings(key="t:f", name=name, role="fridge")

        def prepare(connection: Any) -> None:
            devices.apply_file_settings(connection, [device], now_ms=NOW_MS)
            number = incidents.open_incident(
                connection, rule="cold_storage_warm", version="1", device=1,
                severity=Severity.ALARM, since_ms=NOW_MS, now_ms=NOW_MS, evidence=EVIDENCE,
            )  # fmt: skip
            for channel in channels:
                outbox.queue(
                    connection, incident=number, kind="opened", channel=channel.name,
                    now_ms=NOW_MS,
                )  # fmt: skip

        self.journal.call(prepare)
        self.courier = self._courier()

    def _courier(self) -> Courier:
        built = build_channels(self.site.channels, secrets={"hook": "s3cret"}, file="site.toml")
        return Courier(self.journal, built, site=self.site, clock=self.clock, link="http://x")

    def states(self) -> dict[str, tuple[str, int]]:
        with self.journal.reader() as connection:
            rows = connection.execute("SELECT channel, state, attempts FROM outbox")
            return {row[0]: (row[1], row[2]) for row in rows}


def hook(url: str, name: str = "hook") -> ChannelSettings:
    return ChannelSettings(name=name, kind="webhook", options={"url": url, "allow_private": True})


def test_a_webhook_gets_it_once_signed(tmp_path: Path, receiver: Receiver) -> None:
    office = Office(tmp_path / "j.sqlite3", (hook(receiver.url),), "1号冰箱")
    assert office.courier.deliver_due() == 1
    assert office.courier.deliver_due() == 0
    ((headers, body),) = receiver.got
    stamp = headers["X-Caretaker-Timestamp"].encode()
    expected = hmac.new(b"s3cret", stamp + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Caretaker-Signature"] == expected
    assert "1号冰箱" in json.loads(body)["title"]
    assert office.states() == {"hook": ("delivered", 1)}
    office.journal.close()


def test_a_failing_receiver_is_tried_again_later_and_blocks_nobody(
    tmp_path: Path, receiver: Receiver
) -> None:
    dead = hook("http://127.0.0.1:9/none", name="dead")
    office = Office(tmp_path / "j.sqlite3", (dead, hook(receiver.url)), "冰箱")
    receiver.codes = [500, 429]
    office.courier.deliver_due()
    assert office.states() == {"dead": ("waiting", 1), "hook": ("waiting", 1)}
    assert office.courier.deliver_due() == 0  # not due yet: no hammering
    for _ in range(3):
        office.clock.advance(20 * MINUTE_MS)
        office.courier.deliver_due()
    assert office.states()["hook"][0] == "delivered"
    assert office.states()["dead"] == ("waiting", 4)
    keys = {headers["Idempotency-Key"] for headers, _ in receiver.got}
    assert len(receiver.got) == 3
    assert len(keys) == 1
    office.journal.close()


def test_a_final_refusal_is_given_up_and_shown(tmp_path: Path, receiver: Receiver) -> None:
    office = Office(tmp_path / "j.sqlite3", (hook(receiver.url),), "冰箱")
    receiver.codes = [410]
    office.courier.deliver_due()
    assert office.states() == {"hook": ("failed", 1)}
    office.journal.close()


def test_what_was_not_recorded_goes_again_with_the_same_key(
    tmp_path: Path, receiver: Receiver
) -> None:
    office = Office(tmp_path / "j.sqlite3", (hook(receiver.url),), "冰箱")
    office.courier.deliver_due()
    # Killed between handing over and recording: the row still waits.
    office.journal.call(lambda c: c.execute("UPDATE outbox SET state = 'waiting'"))
    office.courier.deliver_due()
    first, second = (headers["Idempotency-Key"] for headers, _ in receiver.got)
    assert first == second
    office.journal.close()


def test_a_mail_is_readable_and_a_name_cannot_forge_its_headers(tmp_path: Path, smtp: Smtp) -> None:
    mail = ChannelSettings(
        name="mail",
        kind="email",
        options={
            "host": "127.0.0.1",
            "port": smtp.server_address[1],
            "sender": "caretaker@school.example",
            "recipients": "cook@school.example, head@school.example",
            "security": "none",
        },
    )
    name = "冰箱\r\nBcc: evil@example.org"
    office = Office(tmp_path / "j.sqlite3", (mail,), name)
    assert office.courier.deliver_due() == 1
    (raw,) = smtp.mails
    parsed = message_from_bytes(raw, policy=default)
    assert "冰箱" in parsed["Subject"]
    assert parsed["Bcc"] is None
    assert parsed["To"] == "cook@school.example, head@school.example"
    body = parsed.get_body()
    assert body is not None
    assert "12 °C" in body.get_content()
    office.journal.close()


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", ["opened", "escalated", "resolved"])
@pytest.mark.parametrize("rule", ["cold_storage_warm", "device_silent", "continuous_flow"])
def test_every_text_renders_whole(lang: str, kind: str, rule: str) -> None:
    title, body = render(
        lang=lang, rule=rule, kind=kind, device="X", since_ms=NOW_MS,
        zone=ZoneInfo("Asia/Shanghai"), evidence=EVIDENCE,
    )  # fmt: skip
    assert "X" in title
    assert "{" not in title + body
    assert len(body) > 10
    assert rule in BODIES[lang]
