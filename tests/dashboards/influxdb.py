"""A real InfluxDB 1.x of its own for a test: own process, own files, free ports."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.broker.supervise import free_port

DATABASE = "caretaker"


@dataclass(frozen=True, slots=True)
class Influx:
    """A running server and the Authorization header it wants."""

    url: str
    token: str = ""

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """Return the series of one statement, as the server gives them; raises on an error."""
        query = urllib.parse.urlencode({"db": DATABASE, "q": influxql, "epoch": "ms"})
        request = urllib.request.Request(f"{self.url}/query?{query}", headers=self._headers())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.read().decode()}\n{influxql}") from error
        (result,) = found["results"]
        assert "error" not in result, f"{result['error']}\n{influxql}"
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def write(self, lines: Sequence[str]) -> None:
        """Write line protocol in the 1.x manner."""
        for start in range(0, len(lines), 20_000):
            body = "\n".join(lines[start : start + 20_000]).encode()
            request = urllib.request.Request(
                f"{self.url}/write?db={DATABASE}&precision=ns",
                data=body,
                method="POST",
                headers=self._headers(),
            )
            try:
                urllib.request.urlopen(request, timeout=60).close()
            except urllib.error.HTTPError as error:
                raise AssertionError(error.read().decode()) from error

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.token}"} if self.token else {}


@contextmanager
def influxdb_1(binary: str, folder: Path) -> Iterator[Influx]:
    """Run Debian's influxd on a free port with the database made."""
    port, backup = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        "reporting-disabled = true\n"
        f'bind-address = "127.0.0.1:{backup}"\n'
        f'[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\nquery-log-enabled = false\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        "[monitor]\nstore-enabled = false\n",
        encoding="utf-8",
    )
    with (folder / "influxd.log").open("wb") as log:
        process = subprocess.Popen([binary, "-config", str(config)], stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _until_up(f"{url}/ping", process)
            urllib.request.urlopen(
                f"{url}/query", data=f"q=CREATE+DATABASE+{DATABASE}".encode(), timeout=30
            ).close()
            yield Influx(url)
        finally:
            process.terminate()
            process.wait(20)


def _until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            assert process.poll() is None, "influxd ended"
            assert time.monotonic() < deadline, "influxd does not answer"
            time.sleep(0.05)
        else:
            return
