"""What every channel promises, against real servers: delivered means taken, nothing hangs."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from alerting.channels import KINDS, build_channels
from alerting.channels.http import Target, resolve
from alerting.port import Notification, Notifier
from alerting.texts import render
from caretaker.config import ChannelSettings, SiteSettings
from caretaker.errors import ConfigurationError
from caretaker.vocabulary import Severity
from ingest.broker.mosquitto import MosquittoBroker
from ingest.broker.port import Login
from ingest.broker.supervise import free_port
from tests.conftest import program
from tests.contract.channel_servers import (
    Certificates,
    Deaf,
    HttpService,
    SmtpService,
    closed_port,
    make_certificates,
)

HTTP = ("webhook", "wecom", "dingtalk", "feishu", "sms", "apprise")
ROBOTS = ("wecom", "dingtalk", "feishu")
SECRET = "s3cret-that-no-record-may-hold"
DEADLINE_S = 1.0
NOTE = Notification(
    id=1, incident=7, kind="opened", severity=Severity.CRITICAL, title="1号冰箱温度过高：13.5 °C",
    body="自 09-01 08:00 起超过 8 °C。请现在关好门。", lang="zh-CN", link="http://x.example/a/abc",
    key="7:opened:0:c", recipients=("13800000000",),
)  # fmt: skip


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(program("openssl"), tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def broker(mosquitto: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoBroker]:
    made = MosquittoBroker(
        data_dir=tmp_path_factory.mktemp("b"), port=free_port(), logins=(Login("c", SECRET),)
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module", autouse=True)
def _apprise_is_loaded() -> None:
    """Its hundred plug-ins take seconds the first time; that is not what is measured."""
    with closed_port() as port:
        made: Any = channel("apprise", port)
        replace(made, deadline_s=60.0).deliver(NOTE)


def channel(
    kind: str, port: int, *, host: str = "127.0.0.1", tls: str = "", ca: str = ""
) -> Notifier:
    """Build a channel that talks to a server here, impatient enough for a test."""
    scheme = "https" if tls else "http"
    options: dict[str, str | int | float | bool] = {"allow_private": True, "ca_file": ca}
    secret = SECRET
    if kind == "email":
        options |= {
            "host": host,
            "port": port,
            "sender": "c@s.example",
            "recipients": "a@s.example",
        }
        options["security"] = tls or "none"
    elif kind == "mqtt":
        options |= {"url": f"mqtt{'s' if tls else ''}://{host}:{port}", "topic": "siren/1"}
        options["username"] = "c"
    elif kind == "apprise":
        secret = f"json{'s' if tls else ''}://{host}:{port}/hook?rto=0.6&cto=0.6"
    else:
        options |= {"url": f"{scheme}://{host}:{port}/hook", "token": "t0ken-of-the-robot"}
    settings = ChannelSettings(name="c", kind=kind, options=options)
    made: Any = build_channels((settings,), secrets={"c": secret}, file="site.toml")["c"]
    if hasattr(made, "target"):
        return replace(made, target=replace(made.target, deadline_s=DEADLINE_S))  # type: ignore[no-any-return]
    if kind == "mqtt":
        return replace(made, timeout_s=DEADLINE_S)  # type: ignore[no-any-return]
    if kind in {"email", "apprise"}:
        return replace(made, deadline_s=DEADLINE_S * (3 if kind == "apprise" else 1))  # type: ignore[no-any-return]
    return made  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("mode", ["ok", "429", "302", "errcode", "500", "drip"])
def test_http_channels_believe_only_a_good_answer(kind: str, mode: str) -> None:
    service = HttpService(mode)
    begun = time.monotonic()
    outcome = channel(kind, service.port).deliver(NOTE)
    service.stop()
    taken = mode == "ok" or (kind == "apprise" and mode == "errcode")  # it tells no body
    assert outcome.delivered == taken, outcome
    assert outcome.retry != taken
    assert SECRET not in outcome.detail
    if kind == "apprise":
        assert time.monotonic() - begun < DEADLINE_S + 5
        return
    assert len(service.got) == 1  # a redirect is not followed
    assert time.monotonic() - begun < DEADLINE_S + 1
    if mode == "429":
        assert outcome.retry_after_s == 7
    if mode == "302":
        assert outcome.retry_after_s >= 600  # banned for ten minutes
    if mode == "errcode" and kind in ROBOTS:
        assert outcome.retry_after_s >= 60


@pytest.mark.parametrize("kind", [*HTTP, "email", "mqtt"])
@pytest.mark.parametrize("mode", ["hang", "refused", "nohost"])
def test_no_channel_waits_for_ever(kind: str, mode: str) -> None:
    begun = time.monotonic()
    if mode == "hang":
        deaf = Deaf()
        outcome = channel(kind, deaf.port).deliver(NOTE)
        deaf.stop()
    elif mode == "refused":
        with closed_port() as port:
            outcome = channel(kind, port).deliver(NOTE)
    else:
        outcome = channel(kind, 9, host="nohost.invalid").deliver(NOTE)
    assert (outcome.delivered, outcome.retry) == (False, True)
    assert outcome.detail
    assert time.monotonic() - begun < DEADLINE_S + 3


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("state", ["good", "expired"])
def test_tls_is_believed_only_while_its_certificate_is_good(
    kind: str, state: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.authority)  # what apprise looks at
    service = HttpService("ok", certificates.context(state))
    made = channel(kind, service.port, host="localhost", tls="tls", ca=certificates.authority)
    outcome = made.deliver(NOTE)
    service.stop()
    assert outcome.delivered == (state == "good"), outcome
    assert bool(service.got) == (state == "good")


@pytest.mark.parametrize(
    ("mode", "delivered", "retry"),
    [("ok", True, False), ("429", False, True), ("500", False, True), ("errcode", False, False),
     ("drip", False, True)],
)  # fmt: skip
@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_mail_server_in_every_mood(
    mode: str, delivered: bool, retry: bool, security: str, certificates: Certificates
) -> None:
    tls = certificates.context("good") if security == "starttls" else None
    server = SmtpService(mode, tls)
    begun = time.monotonic()
    made = channel(
        "email", server.port, host="localhost", tls="" if tls is None else security,
        ca=certificates.authority,
    )  # fmt: skip
    outcome = made.deliver(replace(NOTE, recipients=("cook@s.example",)))
    server.stop()
    assert (outcome.delivered, outcome.retry) == (delivered, retry), outcome
    assert time.monotonic() - begun < DEADLINE_S + 1
    if delivered:
        ((to, _),) = server.mails
        assert b"cook@s.example" in to[0]


def test_an_expired_mail_server_gets_nothing(certificates: Certificates) -> None:
    server = SmtpService("ok", certificates.context("expired"))
    made = channel(
        "email", server.port, host="localhost", tls="starttls", ca=certificates.authority
    )
    outcome = made.deliver(NOTE)
    server.stop()
    assert (outcome.delivered, outcome.retry) == (False, True)
    assert "CERTIFICATE" in outcome.detail
    assert not server.mails


def test_a_siren_hears_and_falls_silent_when_nobody_is_called(broker: MosquittoBroker) -> None:
    heard: list[bytes] = []
    address = broker.address("c")
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.username_pw_set("c", SECRET)
    client.on_message = lambda _c, _u, message: heard.append(bytes(message.payload))

    def connected(c: paho.Client, *_: object) -> None:
        c.subscribe("siren/1", 1)

    client.on_connect = connected
    subscribed: list[int] = []
    client.on_subscribe = lambda *_: subscribed.append(1)
    client.connect(address.host, address.port)
    client.loop_start()
    _until(lambda: bool(subscribed))
    made = channel("mqtt", address.port)
    for kind, calling in (("opened", 1), ("resolved", 2), ("acknowledged", 0)):
        assert made.deliver(replace(NOTE, kind=kind, calling=calling)).delivered
    _until(lambda: len(heard) == 3)
    client.disconnect()
    client.loop_stop()
    assert [json.loads(body)["state"] for body in heard] == ["ON", "ON", "OFF"]
    assert "13800000000" not in heard[0].decode()  # no phone number on a bus that all may read


def test_a_broker_that_refuses_the_login_is_named(broker: MosquittoBroker) -> None:
    made: Any = channel("mqtt", broker.address("c").port)
    wrong = replace(made, address=replace(made.address, password="wrong"))
    outcome = wrong.deliver(NOTE)
    assert (outcome.delivered, outcome.retry) == (False, True)


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_robot_is_spoken_to_in_its_own_words() -> None:
    service = HttpService("ok")
    for kind in ROBOTS:
        assert channel(kind, service.port).deliver(NOTE).delivered
    service.stop()
    (wecom, dingtalk, feishu) = (
        (urlsplit(path), json.loads(body)) for path, _, body in service.got
    )
    assert parse_qs(wecom[0].query)["key"] == [SECRET]
    assert wecom[1]["text"]["mentioned_mobile_list"] == ["13800000000"]
    query = parse_qs(dingtalk[0].query)
    text = f"{query['timestamp'][0]}\n{SECRET}".encode()
    expected = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
    assert query["sign"] == [expected]
    assert query["access_token"] == ["t0ken-of-the-robot"]
    assert dingtalk[1]["at"] == {"atMobiles": ["13800000000"], "isAtAll": False}
    key = f"{feishu[1]['timestamp']}\n{SECRET}".encode()
    assert (
        feishu[1]["sign"] == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    )
    for body in (wecom[1]["text"]["content"], dingtalk[1]["text"]["content"],
                 feishu[1]["content"]["text"]):  # fmt: skip
        assert NOTE.title in body
        assert NOTE.link in body


def test_a_text_that_is_too_long_is_cut_between_characters() -> None:
    service = HttpService("ok")
    assert channel("wecom", service.port).deliver(replace(NOTE, body="冰箱" * 2_000)).delivered
    service.stop()
    content = json.loads(service.got[0][2])["text"]["content"]
    assert len(content.encode()) <= 2048
    assert content.endswith("…")


HOSTILE = [
    "x\r\nBcc: evil@example.org", '<at user_id="all">所有人</at>', "<@all>", "@13800000000",
    "[点这里](http://evil.example)", "http://evil.example/login", "**粗**`code`|表|",
    "\u202egnp.exe",
    "{{ 7 * 7 }}{% raw %}", "${jndi:ldap://x}", "%s%n{0}", "'; DROP TABLE incident; --",
    "\x00\x1b[31m",
    "=cmd|'/c calc'!A0", "x" * 500, "\ud800", "&lt;script&gt;<script>alert(1)</script>",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(name: str, certificates: Certificates) -> None:
    site = SiteSettings()
    evidence: dict[str, object] = {
        "air_c": 13.5, "peak_c": 14.0, "food_c": 9.0, "limit_c": 8.0, "left_min": 80.0
    }  # fmt: skip
    title, body = render(
        lang="zh-CN", rule="cold_storage_warm", kind="opened", device=name, since_ms=0,
        zone=site.zone, evidence=evidence,
    )  # fmt: skip
    for text in (title, body):
        assert text.isprintable()
        assert not set("<>`*[]|@") & set(text)
        assert "://" not in text
    assert "49" not in title
    assert len(title) < 120
    note = replace(NOTE, title=title, body=body, link="")
    service, server = HttpService("ok"), SmtpService("ok", None)
    for kind in ("webhook", *ROBOTS, "sms"):
        assert channel(kind, service.port).deliver(note).delivered
    assert channel("email", server.port).deliver(replace(note, recipients=())).delivered
    service.stop()
    server.stop()
    for _, _, sent in service.got:
        json.loads(sent)
    ((_, mail),) = server.mails
    parsed = message_from_bytes(mail, policy=default)
    assert parsed["Bcc"] is None
    assert parsed["To"] == "a@s.example"


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://127.0.0.1/", "https://169.254.169.254/latest/", "https://[::1]/",
     "https://10.0.0.5/", "https://192.168.1.1:8443/x", "https://[fe80::1]/", "https://0.0.0.0/",
     "https://[::ffff:127.0.0.1]/", "https://224.0.0.1/", "ftp://example.com/", "file:///etc/passwd",
     "https://", "https://user@127.0.0.1/", "https://[0123/", "gopher://127.0.0.1:25/_"],
)  # fmt: skip
def test_an_address_of_the_inside_is_refused_at_the_start(url: str) -> None:
    settings = ChannelSettings(name="c", kind="webhook", options={"url": url})
    with pytest.raises(ConfigurationError, match=r"Write|Use|Copy|Add"):
        build_channels((settings,), secrets={}, file="site.toml")


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/"]
)
def test_metadata_services_are_refused_even_on_the_own_network(url: str) -> None:
    settings = ChannelSettings(
        name="c", kind="webhook", options={"url": url, "allow_private": True}
    )
    with pytest.raises(ConfigurationError):
        build_channels((settings,), secrets={}, file="site.toml")


def test_a_name_that_turns_to_the_inside_is_refused_when_it_is_sent() -> None:
    with pytest.raises(OSError, match=r"nothing is sent"):
        resolve("localhost", 443, private=False)
    assert resolve("localhost", 443, private=True) in {"127.0.0.1", "::1"}
    service = HttpService("ok")
    with pytest.raises(OSError, match=r"nothing is sent"):
        Target(f"https://localhost:{service.port}/").post(b"{}")
    service.stop()
    assert not service.got


@pytest.mark.parametrize(
    ("kind", "options", "key"),
    [("wecom", {}, "channels.c"), ("dingtalk", {}, "channels.c"), ("sms", {}, "channels.c"),
     ("mqtt", {"topic": "a/#"}, "channels.c.topic"), ("email", {"host": "h"}, "channels.c.sender"),
     ("webhook", {"url": "https://x.example", "per_min": 0}, "channels.c.per_min"),
     ("fax", {}, "channels.c.kind")],
)  # fmt: skip
def test_a_wrong_setting_names_its_key_and_the_remedy(
    kind: str, options: dict[str, Any], key: str
) -> None:
    settings = ChannelSettings(name="c", kind=kind, options=options)
    with pytest.raises(ConfigurationError) as caught:
        build_channels((settings,), secrets={}, file="site.toml")
    assert caught.value.key == key
    assert caught.value.remedy


def test_every_kind_is_described_in_the_settings() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"| `{kind}` |" not in text] == []
