"""Real stores for tests: own processes, free ports, own directories, nothing of them stays."""

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2

from caretaker.config import InfluxSettings
from storage.influx.server import Server, Tokens

_START_S = 30.0


def free_port() -> int:
    """Return a loopback port that nobody holds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Store:
    """A running store: where it is, how to reach it, how to end it hard."""

    settings: InfluxSettings
    tokens: Tokens
    process: subprocess.Popen[bytes] | None = None
    command: list[str] = field(default_factory=list)
    folder: Path = Path()
    admin: str = ""

    @property
    def url(self) -> str:
        return self.settings.url

    def server(self, *, bucket: str = "", timeout_s: float = 10.0) -> Server:
        """Return a connection; with a bucket of its own name if one is given."""
        settings = replace(self.settings, bucket=bucket or self.settings.bucket)
        return Server(settings, self.tokens, timeout_s=timeout_s, deadline_s=timeout_s * 3)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def start(self) -> None:
        """Start it again on the same port and directory."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=os.environ | {"HOME": str(self.folder)}
            )
        _answers(self.url, "/health" if "--http-bind-address" in self.command else "/ping")


def _answers(url: str, path: str) -> None:
    ends = time.monotonic() + _START_S
    while True:
        try:
            if httpx2.get(url + path, trust_env=False).status_code in {200, 204}:
                return
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < ends, f"{url} did not start"
        time.sleep(0.05)


@contextmanager
def _running(store: Store) -> Iterator[Store]:
    store.start()
    try:
        yield store
    finally:
        assert store.process is not None
        store.process.terminate()
        try:
            store.process.wait(10)
        except subprocess.TimeoutExpired:
            store.process.kill()
            store.process.wait()


@contextmanager
def influxd_1(program: str, folder: Path) -> Iterator[Store]:
    """Run InfluxDB 1; its backup port 8088 is bound too, so it gets a free one."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "influxdb.conf"
    configuration.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
        f'[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\nindex-version = "tsi1"\n'
        "query-log-enabled = false\n[monitor]\nstore-enabled = false\n"
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        '[logging]\nlevel = "error"\n',
        encoding="utf-8",
    )
    settings = InfluxSettings(url=f"http://127.0.0.1:{port}", bucket="caretaker")
    command = [program, "-config", str(configuration)]
    with _running(Store(settings, Tokens(), command=command, folder=folder)) as store:
        yield store


@contextmanager
def influxd_2(program: str, folder: Path) -> Iterator[Store]:
    """Run InfluxDB 2, set up, with an all-access token."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    token = uuid.uuid4().hex
    command = [
        program,
        "--http-bind-address",
        f"127.0.0.1:{port}",
        "--bolt-path",
        str(folder / "bolt"),
        "--sqlite-path",
        str(folder / "sqlite"),
        "--engine-path",
        str(folder / "engine"),
        "--reporting-disabled",
        "--log-level=error",
    ]
    settings = InfluxSettings(url=f"http://127.0.0.1:{port}", org="school", bucket="caretaker")
    store = Store(settings, Tokens(token, token), command=command, folder=folder, admin=token)
    with _running(store):
        made = {
            "username": "admin",
            "password": uuid.uuid4().hex,
            "org": "school",
            "bucket": "first",
            "token": token,
        }
        httpx2.post(
            f"{settings.url}/api/v2/setup", content=json.dumps(made), trust_env=False
        ).raise_for_status()
        yield store


@contextmanager
def victoria(program: str, folder: Path) -> Iterator[Store]:
    """Run VictoriaMetrics."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        program,
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder}/data",
        "-retentionPeriod=100y",
        "-dedup.minScrapeInterval=1ms",
        "-loggerLevel=ERROR",
    ]
    settings = InfluxSettings(url=f"http://127.0.0.1:{port}")
    with _running(Store(settings, Tokens(), command=command, folder=folder)) as store:
        yield store


def version_2_program() -> str:
    """Return an influxd of version 2 on PATH, or ''."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which("influxd", path=folder)
        if found and "InfluxDB v1" not in _version(found) and "Build" not in found:
            return found
    return ""


def version_1_program() -> str:
    """Return an influxd of version 1, or ''."""
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/sbin"):
        found = shutil.which("influxd", path=folder)
        if found and "InfluxDB v1" in _version(found):
            return found
    return ""


def _version(program: str) -> str:
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def external_2() -> Store | None:
    """Return the InfluxDB 2 that INFLUXDB_URL (INFLUXDB_TOKEN, INFLUXDB_ORG) names."""
    url = os.environ.get("INFLUXDB_URL", "")
    if not url:
        return None
    token = os.environ.get("INFLUXDB_TOKEN", "")
    settings = InfluxSettings(url=url, org=os.environ.get("INFLUXDB_ORG", "school"))
    return Store(settings, Tokens(token, token), admin=token)
