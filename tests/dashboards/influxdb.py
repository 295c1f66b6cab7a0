"""Asking a store as Grafana does: InfluxQL on `/query`, one statement at a time."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.influx.setup import set_up
from tests.stores import Store

DATABASE = "caretaker"


@dataclass(frozen=True, slots=True)
class Influx:
    """A running server and the token it wants."""

    url: str
    token: str = ""

    @classmethod
    def of(cls, store: Store) -> "Influx":
        """Return a connection to a store, its database made."""
        set_up(store.settings, admin=store.admin, known={})
        return cls(store.url, store.admin)

    def ask(self, influxql: str) -> list[dict[str, Any]]:
        """Return the series of one statement, as the server gives them; raises on an error."""
        query = urllib.parse.urlencode({"db": DATABASE, "q": influxql, "epoch": "ms"})
        found = json.loads(self._send(f"/query?{query}", None, influxql))
        (result,) = found["results"]
        assert "error" not in result, f"{result['error']}\n{influxql}"
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    def write(self, lines: Sequence[str]) -> None:
        """Write line protocol, 20,000 lines at a time."""
        for start in range(0, len(lines), 20_000):
            body = "\n".join(lines[start : start + 20_000]).encode()
            self._send(f"/write?db={DATABASE}&precision=ns", body, "")

    def _send(self, path: str, body: bytes | None, about: str) -> bytes:
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.url}{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.read().decode()}\n{about}") from error
