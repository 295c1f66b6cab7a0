"""One InfluxDB, whichever version answers: write, query, make and empty its buckets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from caretaker.config import InfluxSettings
from storage.influx.answers import Answer
from storage.influx.influxql import QueryError, Series, identifier, parse, where
from storage.influx.wire import Deadline, Wire

if TYPE_CHECKING:
    from storage.influx.client import LineWriter

_CHUNK = 10_000
_FIRST, _LAST = "1970-01-01T00:00:00Z", "2261-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Caretaker may show a store: `write` for lines and deletes, `read` for queries."""

    write: str = ""
    read: str = ""

    def __repr__(self) -> str:
        """Show nothing: a log line must not carry a secret."""
        return "Tokens(...)"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a version can do."""

    name: str
    reads: bool = True
    deletes: bool = True
    line_path: str = "/api/v2/write"


KINDS: dict[str, Kind] = {
    "1": Kind("InfluxDB 1", line_path="/write"),
    "2": Kind("InfluxDB 2"),
    "3": Kind("InfluxDB 3", deletes=False),
    "victoria": Kind("VictoriaMetrics", reads=False),
}


class Server:
    """Speaks to a store in the words of its version; never raises for what it answers.

    `timeout_s` holds each step of an exchange, `deadline_s` the whole of it [s].
    """

    def __init__(
        self,
        settings: InfluxSettings,
        tokens: Tokens,
        *,
        timeout_s: float = 15.0,
        deadline_s: float = 60.0,
    ) -> None:
        self.settings = settings
        self.kind: Kind | None = KINDS.get(settings.version)
        self._deadline = Deadline(deadline_s)
        url = settings.url.rstrip("/")
        shared: dict[str, Any] = {"timeout_s": timeout_s, "deadline": self._deadline}
        self._write = _wire(url, tokens.write, settings, shared)
        self._read = _wire(url, tokens.read or tokens.write, settings, shared)
        self._token = tokens.write
        self._shared = shared
        self._lines: LineWriter | None = None

    def bucket(self, *, raw: bool) -> str:
        """Return the name of the bucket of raw readings, or of the rest."""
        return (raw and self.settings.readings_bucket) or self.settings.bucket

    def buckets(self) -> dict[str, int]:
        """Return each bucket with its retention [d]; 0 is for ever."""
        settings = self.settings
        found = {settings.bucket: settings.retention_days}
        if settings.readings_bucket:
            found[settings.readings_bucket] = settings.readings_retention_days
        return found

    def recognise(self) -> Answer:
        """Find out which version answers, unless that is known; 204 when it is."""
        if self.kind is not None:
            return Answer(204)
        answer, headers = self._write.ask("GET", "/ping", params={})
        if not answer.status:
            return answer
        version = headers.get("x-influxdb-version", "").removeprefix("v")
        found = KINDS.get(version.partition(".")[0])
        if found is None and headers.get("x-server-hostname") and not version:
            found = KINDS["victoria"]
        if found is None:
            health, _ = self._write.ask("GET", "/health", params={})
            if health.status in {200, 503} and '"influxdb"' in health.text:
                found = KINDS["2"]
        if found is None:
            return Answer(404, "what answers is no InfluxDB that says its version")
        self.kind = found
        return Answer(204)

    # -- writing ------------------------------------------------------------------------------

    def write(self, body: bytes, *, raw: bool) -> Answer:
        """Send lines with times in nanoseconds."""
        kind = self.kind
        assert kind is not None
        bucket = self.bucket(raw=raw)
        if kind.line_path == "/api/v2/write":
            return self._line_writer().write(bucket, body)
        params = {"db": bucket, "precision": "ns"}
        return self._write.ask("POST", kind.line_path, params=params, content=body)[0]

    def _line_writer(self) -> "LineWriter":
        if self._lines is None:
            # 27 MB and a second that a site without InfluxDB 2 need not bear.
            from storage.influx.client import LineWriter  # noqa: PLC0415

            settings = self.settings
            self._lines = LineWriter(
                settings.url.rstrip("/"),
                token=self._token,
                org=settings.org,
                ca_file=settings.ca_file,
                **self._shared,
            )
        return self._lines

    def create(self, bucket: str, retention_days: int) -> Answer:
        """Make a bucket or database, with its retention; 204 when it is there."""
        if self.kind is KINDS["1"]:
            duration = f"{retention_days * 24}h" if retention_days else "INF"
            made = self.command(f'CREATE DATABASE "{bucket}" WITH DURATION {duration}')
            if made.status != 204:
                return made
            return self.command(
                f'ALTER RETENTION POLICY "autogen" ON "{bucket}" DURATION {duration}'
            )
        if self.kind is KINDS["2"]:
            return self._create_bucket(bucket, retention_days)
        if self.kind is KINDS["3"]:
            period = {"retention_period": f"{retention_days}d"} if retention_days else {}
            return self.post("/api/v3/configure/database", {"db": bucket} | period)
        return Answer(204)

    def _create_bucket(self, bucket: str, retention_days: int) -> Answer:
        answer, found = self.get("/api/v2/orgs", {"org": self.settings.org})
        organisations = found.get("orgs") or []
        if not organisations:
            return answer if answer.status >= 300 else Answer(404, "organization not found")
        wanted: dict[str, Any] = {
            "name": bucket,
            "orgID": organisations[0]["id"],
            "retentionRules": [{"type": "expire", "everySeconds": retention_days * 86_400}],
        }
        return self.post("/api/v2/buckets", wanted)

    def command(self, text: str) -> Answer:
        """Run an InfluxQL statement that changes something; version 1."""
        answer, _ = self._write.ask("POST", "/query", params={"q": text})
        if answer.status != 200:
            return answer
        error = _error(answer.text)
        return Answer(400, error) if error else Answer(204)

    def delete(self, tags: Mapping[str, str], measurements: Sequence[str] = ("",)) -> Answer:
        """Delete every point with these tags, of these measurements or all; 204 when done."""
        assert self.kind is not None
        assert self.kind.deletes
        for bucket in self.buckets():
            for measurement in measurements:
                answer = self._delete(bucket, tags, measurement)
                if answer.status != 204:
                    return answer
        return Answer(204)

    def _delete(self, bucket: str, tags: Mapping[str, str], measurement: str) -> Answer:
        if self.kind is KINDS["victoria"]:
            match = ",".join(f"{name}={json.dumps(value)}" for name, value in tags.items())
            if measurement:
                match += f',__name__=~"{measurement}_[a-z_]+"'
            path = "/api/v1/admin/tsdb/delete_series"
            return self._write.ask("POST", path, params={"match[]": f"{{{match}}}"})[0]
        if self.kind is KINDS["2"]:
            predicate = " AND ".join(
                f"{name}={json.dumps(v, ensure_ascii=False)}" for name, v in tags.items()
            )
            answer = self.post(
                "/api/v2/delete",
                {"start": _FIRST, "stop": _LAST, "predicate": predicate},
                {"org": self.settings.org, "bucket": bucket},
            )
            return Answer(204) if answer.status == 404 and "bucket" in answer.text else answer
        source = f" FROM {identifier(measurement)}" if measurement else ""
        answer, _ = self._write.ask(
            "POST", "/query", params={"db": bucket, "q": f"DROP SERIES{source}{where(tags)}"}
        )
        error = _error(answer.text)
        if answer.status != 200 or (error and "database not found" not in error):
            return answer if answer.status != 200 else Answer(400, error)
        return Answer(204)

    # -- reading ------------------------------------------------------------------------------

    def query(self, text: str, *, raw: bool = False) -> Iterator[Series]:
        """Yield the series of an InfluxQL query, times in ns. Raises QueryError."""
        params = {
            "db": self.bucket(raw=raw),
            "q": text,
            "epoch": "ns",
            "chunked": "true",
            "chunk_size": str(_CHUNK),
        }
        try:
            with self._read.open("GET", "/query", params=params) as response:
                if response.status_code != 200:
                    response.read()
                    raise QueryError(f"{response.status_code} {response.text[:300]}")
                yield from parse(response.iter_lines())
        except (httpx2.HTTPError, OSError) as error:
            raise QueryError(f"{type(error).__name__}: {error}"[:300]) from error

    # -- the HTTP API of version 2 and 3 --------------------------------------------------------

    def get(self, path: str, params: Mapping[str, str]) -> tuple[Answer, dict[str, Any]]:
        """Return an answer and its JSON object, {} where there is none."""
        answer, _ = self._write.ask("GET", path, params=params)
        return answer, self.parsed(answer) if answer.status == 200 else {}

    @staticmethod
    def parsed(answer: Answer) -> dict[str, Any]:
        """Return an answer's JSON object, {} where there is none."""
        try:
            found = json.loads(answer.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def post(
        self, path: str, value: Mapping[str, Any], params: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a JSON object; any success comes back as 204 with its text."""
        return self.send("POST", path, value, params)

    def send(
        self,
        method: str,
        path: str,
        value: Mapping[str, Any],
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a JSON object with POST or PATCH; any success comes back as 204 with its text."""
        answer, _ = self._write.ask(
            method,
            path,
            params=params or {},
            content=json.dumps(value).encode(),
            headers={"Content-Type": "application/json"},
        )
        return Answer(204, answer.text) if 200 <= answer.status < 300 else answer

    def interrupt(self) -> None:
        """End the exchange that is under way."""
        self._deadline.cut()

    def close(self) -> None:
        """Close every connection."""
        self.interrupt()
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        self._write.close()
        self._read.close()


def _wire(url: str, token: str, settings: InfluxSettings, shared: Mapping[str, Any]) -> Wire:
    user, colon, password = token.partition(":")
    if colon:
        return Wire(url, auth=(user, password), ca_file=settings.ca_file, **shared)
    headers = {"Authorization": f"Token {token}"} if token else {}
    return Wire(url, headers=headers, ca_file=settings.ca_file, **shared)


def _error(text: str) -> str:
    try:
        found = json.loads(text)
        return str(
            found.get("error") or next((r["error"] for r in found["results"] if "error" in r), "")
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"no InfluxQL answer: {text[:80]!r}"
