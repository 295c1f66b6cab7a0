"""The broker that compose runs: its generated files, tried on a real mosquitto over TLS."""

import os
import pwd
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from caretaker.certificates import make_authority, make_server
from caretaker.deployment import Layout, prepare, write_broker_files
from caretaker.errors import ConfigurationError
from caretaker.secrets import load_or_create, with_devices
from ingest.broker.port import Address
from ingest.broker.standalone import Places, check_login, configuration, health_options
from ingest.broker.supervise import answers, free_port
from ingest.transport.choose import mqtt_transport
from ingest.transport.port import Message, Transport
from tests.conftest import program

HERE = ["localhost", "127.0.0.1"]


def until(condition: Callable[[], object], *, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@dataclass(slots=True)
class Running:
    """A mosquitto with the generated files, on a free port."""

    layout: Layout
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> Path:
        return self.layout.data / "mosquitto"

    @property
    def log(self) -> str:
        return (self.layout.home / "broker.log").read_text(encoding="utf-8")

    def start(self, *, wait: bool = True) -> None:
        places = Places(
            files=PurePosixPath(self.files),
            store=PurePosixPath(self.layout.home / "data" / "mosquitto"),
            port=self.port,
            address="127.0.0.1",
        )
        user = pwd.getpwuid(os.geteuid()).pw_name
        config = self.layout.home / "test.conf"
        config.write_text(configuration(places) + f"user {user}\n", encoding="utf-8")
        with (self.layout.home / "broker.log").open("ab") as log:
            command = [program("mosquitto"), "-c", str(config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        if wait:
            until(lambda: answers(self.port))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(15)
            self.process = None

    def address(self, username: str) -> Address:
        secrets = load_or_create(self.layout.data)
        passwords = {"caretaker": secrets.external_broker_password} | secrets.device_passwords
        authority = str(self.files / "ca.crt")
        password = passwords[username]
        return Address("127.0.0.1", self.port, username, password, tls=True, ca_file=authority)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    prepare(tmp_path, names=HERE)
    layout = Layout(tmp_path)
    names = ["plug_a", "plug_b"]
    secrets = with_devices(layout.data, load_or_create(layout.data), names)
    write_broker_files(layout.data, secrets)
    made = Running(layout, free_port())
    made.start()
    yield made
    made.stop()


def session(broker: Running, username: str = "caretaker", *topics: str) -> Transport:
    transport = mqtt_transport(
        broker.address(username), client_id=f"session-{username}", topics=topics or ("#",)
    )
    transport.start()
    until(lambda: transport.connected)
    return transport


def collect(transport: Transport, count: int, *, within_s: float = 10.0) -> list[Message]:
    found: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < deadline:
        found += transport.receive(limit=5000, timeout_s=0.05)
    return found


def publish(address: Address, *messages: tuple[str, bytes]) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.username_pw_set(address.username, address.password)
    client.tls_set(address.ca_file)
    client.connect(address.host, address.port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_every_file_is_its_owners_alone_and_a_second_run_keeps_all(tmp_path: Path) -> None:
    made = prepare(tmp_path, names=HERE)
    data = list((tmp_path / "data").rglob("*"))
    assert made
    for path in [tmp_path / "data", *data]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    before = {path: path.read_bytes() for path in data if path.is_file()}
    assert prepare(tmp_path, names=HERE) == []
    kept = {path: path.read_bytes() for path in before if path.name != "passwords"}
    assert kept.items() <= before.items()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    for secret in (tmp_path / "data" / "credentials").iterdir():
        if secret.name != "ca.key":
            value = secret.read_bytes()
            assert [path for path in files if value in path.read_bytes()] == [secret]
    known = load_or_create(Layout(tmp_path).data)
    for text in (known.external_broker_password, known.admin_token):
        holders = {path.name for path in files if text.encode() in path.read_bytes()}
        assert holders == {"secrets.toml"}, "the broker keeps only a salted hash"
    words = [
        line
        for path in (tmp_path / "data" / "credentials").iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert (tmp_path / ".env").read_text(encoding="utf-8").count("=") == 2
    assert len(set(words)) > 3


def test_caretakers_own_transport_reads_over_tls(broker: Running) -> None:
    transport = session(broker)
    sent = (("tele/plug_a/SENSOR", b"x" * 900_000), ("zigbee2mqtt/plug_a", b"1"))
    publish(broker.address("plug_a"), *sent)
    assert [(m.topic, m.payload) for m in collect(transport, 2)] == list(sent)
    transport.stop()


def test_a_device_cannot_speak_as_another(broker: Running) -> None:
    transport = session(broker)
    a = broker.address("plug_a")
    others = ("tele/plug_b/SENSOR", "caretaker/1/s/plug_b/readings", "plug_b/x", "plug", "other")
    publish(a, *((topic, b"false") for topic in others), ("caretaker/1/s/plug_a/readings", b"own"))
    assert [m.payload for m in collect(transport, 2, within_s=2)] == [b"own"]
    transport.stop()


def test_a_device_reads_nobody_elses(broker: Running) -> None:
    wanted = ("#", "+/+/SENSOR", "tele/plug_b/#", "$SYS/#", "$share/g/#", "tele/plug_a/#")
    listener = session(broker, "plug_a", *wanted)
    publish(broker.address("plug_b"), ("tele/plug_b/SENSOR", b"private"))
    publish(broker.address("caretaker"), ("cmnd/all/x", b"private"))
    publish(broker.address("plug_a"), ("tele/plug_a/SENSOR", b"own"))
    until(lambda: listener.connected)
    found = collect(listener, 99, within_s=2)  # $SYS would have come at once: it is retained
    assert {m.payload for m in found} == {b"own"}
    listener.stop()


def test_nobody_enters_without_the_right_password(broker: Running) -> None:
    for address in (
        replace(broker.address("plug_a"), password="wrong"),
        replace(broker.address("plug_a"), username="nobody"),
        replace(broker.address("plug_a"), username="", password=""),
        replace(broker.address("plug_a"), username="#"),
    ):
        refused = threading.Event()

        def happened(event: str, _detail: str, seen: threading.Event = refused) -> None:
            if event in {"refused", "disconnected"}:
                seen.set()

        transport = mqtt_transport(address, client_id="stranger", on_event=happened)
        transport.start()
        assert refused.wait(10)
        assert not transport.connected
        transport.stop()


def test_plain_mqtt_is_not_spoken(broker: Running) -> None:
    plain = mqtt_transport(replace(broker.address("plug_a"), tls=False), client_id="plain")
    plain.start()
    time.sleep(1.0)
    assert not plain.connected
    plain.stop()


@pytest.mark.parametrize("file", ["passwords", "acl"])
@pytest.mark.parametrize("content", ["", "\0\1garbage\n"], ids=["empty", "garbage"])
def test_without_logins_nothing_gets_through_and_health_says_so(
    broker: Running, tmp_path: Path, file: str, content: str
) -> None:
    address = broker.address("plug_a")
    options = health_check(broker, tmp_path)
    assert run_health(options).returncode == 0
    broker.stop()
    (broker.files / file).write_text(content, encoding="utf-8")
    broker.start(wait=False)
    assert broker.process is not None
    until(lambda: answers(broker.port) or broker.process is None or broker.process.poll())
    # mosquitto 2.0 starts with such a file and lets nobody do anything; then the health check
    # fails, and compose starts nothing that stands on the broker.
    assert run_health(options).returncode != 0
    if broker.process.poll() is None:
        listener = mqtt_transport(address, client_id="x", topics=("#",))
        listener.start()
        time.sleep(0.5)
        assert not collect(listener, 1, within_s=0.2)
        listener.stop()


def health_check(broker: Running, tmp_path: Path) -> Path:
    """Write the health check's options for this test's port, and return their folder."""
    generated = (broker.files / "health" / "mosquitto_rr").read_text(encoding="utf-8")
    password = next(line[3:] for line in generated.splitlines() if line.startswith("-P "))
    authority = PurePosixPath(broker.files / "ca.crt")
    text = health_options(password, authority=authority, port=broker.port)
    assert "-W 5\n" in text
    folder = tmp_path / "health"
    folder.mkdir()
    (folder / "mosquitto_rr").write_text(text.replace("-W 5\n", "-W 1\n"), encoding="utf-8")
    return folder


def run_health(options: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [program("mosquitto_rr")],
        env=os.environ | {"XDG_CONFIG_HOME": str(options)},
        capture_output=True,
        timeout=20,
        check=False,
    )


@pytest.mark.slow
def test_another_authority_is_refused_at_first_and_later(broker: Running, tmp_path: Path) -> None:
    address = broker.address("caretaker")
    other = tmp_path / "other"
    other.mkdir()
    make_authority(certificate=other / "ca.crt", key=other / "ca.key")
    # At first: our client knows another authority than the broker's.
    events: list[str] = []
    stranger = mqtt_transport(
        replace(address, ca_file=str(other / "ca.crt")),
        client_id="first",
        on_event=lambda event, _detail: events.append(event),
    )
    stranger.start()
    time.sleep(2.5)  # long enough for a second attempt
    assert set(events) <= {"refused"}
    assert not stranger.connected
    stranger.stop()
    # Later: the broker is replaced by one with another certificate, as a rogue would be.
    transport = session(broker)
    broker.stop()
    make_server(
        HERE,
        authority=other / "ca.crt",
        authority_key=other / "ca.key",
        certificate=broker.files / "server.crt",
        key=broker.files / "server.key",
    )
    until(lambda: not transport.connected)
    broker.start()
    time.sleep(3.5)  # reconnects after 1 and 2 s
    assert not transport.connected
    transport.stop()


def test_a_name_not_in_the_certificate_is_refused(broker: Running) -> None:
    elsewhere = replace(broker.address("caretaker"), host="127.0.0.2")
    transport = mqtt_transport(elsewhere, client_id="elsewhere")
    transport.start()
    time.sleep(1.5)
    assert not transport.connected
    transport.stop()


def test_the_queue_survives_a_kill(broker: Running) -> None:
    transport = session(broker)
    publish(broker.address("plug_a"), ("plug_a/hello", b"hello"))
    transport.acknowledge(collect(transport, 1))
    transport.stop()
    sent = [("plug_a/n", str(n).encode()) for n in range(500)]
    publish(broker.address("plug_a"), *sent)
    time.sleep(1.2)  # autosave_interval
    broker.stop(signal.SIGKILL)
    broker.start()
    again = session(broker)
    found = [m.payload for m in collect(again, 500) if m.topic == "plug_a/n"]
    assert sorted(map(int, found)) == list(range(500))
    again.stop()


def test_a_new_login_works_after_a_signal_and_others_stay(broker: Running) -> None:
    transport = session(broker)
    data = broker.layout.data
    write_broker_files(data, with_devices(data, load_or_create(data), ["door"]))
    assert broker.process is not None
    broker.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    publish(broker.address("door"), ("zigbee2mqtt/door", b"open"))
    assert [m.payload for m in collect(transport, 1)] == [b"open"]
    assert transport.connected
    transport.stop()


def test_the_health_check_sends_a_message_in_and_out(broker: Running, tmp_path: Path) -> None:
    options = health_check(broker, tmp_path)
    transport = session(broker)
    done = run_health(options)
    assert (done.returncode, done.stdout.strip()) == (0, b"ok"), done.stderr
    assert not collect(transport, 1, within_s=0.5), "the check must not look like a device"
    transport.stop()
    broker.stop()
    assert run_health(options).returncode != 0


@pytest.mark.parametrize(
    "name", ["#", "+", "a/b", "", "x" * 65, "caretaker", "health", "tele", "zigbee2mqtt", "a b"]
)
def test_a_login_that_would_open_more_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        check_login(name)


def test_a_gateway_is_named_on_purpose() -> None:
    check_login("zigbee2mqtt", gateway=True)
    with pytest.raises(ConfigurationError, match="no gateway"):
        check_login("plug", gateway=True)
