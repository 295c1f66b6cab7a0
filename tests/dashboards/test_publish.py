"""Publishing to a server that answers as Grafana's HTTP API is documented."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from caretaker.cli import app
from caretaker.errors import CaretakerError
from dashboards.boards import BOARDS
from dashboards.publish import publish
from ingest.broker.supervise import free_port

TOKEN = "glsa_right"
SOURCE = {"uid": "caretaker-influx", "type": "influxdb", "name": "Caretaker"}


@dataclass(slots=True)
class Grafana:
    """What the server holds: datasources, folders, boards with their versions."""

    url: str = ""
    prefix: str = ""
    sources: dict[str, dict[str, Any]] = field(default_factory=lambda: {SOURCE["uid"]: SOURCE})
    folders: dict[str, str] = field(default_factory=dict)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    provisioned: set[str] = field(default_factory=set)
    writes: int = 0
    broken: int = 0

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return (status, JSON) for an authorised request."""
        if self.broken:
            return self.broken, {"message": "no"}
        kind, _, uid = path.removeprefix("/api/").rpartition("/")
        missing = 404, {"message": "not found"}
        if kind == "datasources/uid":
            return (200, self.sources[uid]) if uid in self.sources else missing
        if kind == "folders":
            return (
                (200, {"uid": uid, "title": self.folders[uid]}) if uid in self.folders else missing
            )
        if path == "/api/folders" and method == "POST":
            self.writes += 1
            self.folders[body["uid"]] = body["title"]
            return 200, {"uid": body["uid"], "title": body["title"]}
        if kind == "dashboards/uid":
            return self._board(uid) if uid in self.boards else missing
        if path == "/api/dashboards/db" and method == "POST":
            return self._save(body)
        return missing

    def _board(self, uid: str) -> tuple[int, dict[str, Any]]:
        meta = {"url": f"/d/{uid}", "provisioned": uid in self.provisioned}
        return 200, {"dashboard": self.boards[uid], "meta": meta}

    def _save(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        board = body["dashboard"]
        uid = board["uid"]
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.boards and not body["overwrite"]:
            return 412, {"status": "version-mismatch", "message": "changed by someone else"}
        if uid in self.provisioned:
            return 400, {"message": "Cannot save provisioned dashboard"}
        self.writes += 1
        version = self.boards.get(uid, {}).get("version", 0) + 1
        # Grafana fills in what it knows: an id, a version, and defaults of its own.
        self.boards[uid] = board | {
            "id": len(self.boards) + 1,
            "version": version,
            "preload": False,
        }
        return 200, {"uid": uid, "url": f"/d/{uid}", "status": "success", "version": version}


@pytest.fixture(params=["", "/grafana"])
def grafana(request: pytest.FixtureRequest) -> Iterator[Grafana]:
    state = Grafana(prefix=request.param)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            if not self.path.startswith(f"{state.prefix}/api/"):
                status, found = 404, {"message": "no such page"}
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, found = 401, {"message": "Invalid API key"}
            else:
                path = self.path.removeprefix(state.prefix)
                status, found = state.answer(self.command, path, body)
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _any  # noqa: N815  (names that http.server looks up)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}{state.prefix}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def push(grafana: Grafana, *langs: str, token: str = TOKEN) -> dict[str, str]:
    found = publish(
        grafana.url, token, langs=langs or ("en",), page="http://school:8420/", zone="Asia/Urumqi"
    )
    return {one.title: one.outcome for one in found}


def test_boards_are_created_once_and_then_left_alone(grafana: Grafana) -> None:
    assert set(push(grafana, "en", "zh-CN").values()) == {"created"}
    assert len(grafana.boards) == 2 * len(BOARDS)
    assert set(grafana.folders.values()) == {"校管家", "Caretaker"}
    writes = grafana.writes
    assert set(push(grafana, "en", "zh-CN").values()) == {"unchanged"}
    assert grafana.writes == writes


def test_what_somebody_changed_is_brought_back(grafana: Grafana) -> None:
    push(grafana)
    grafana.boards["caretaker-en-water"]["panels"][0]["title"] = "mine"
    found = push(grafana)
    assert found.pop("Water") == "updated"
    assert set(found.values()) == {"unchanged"}
    assert grafana.boards["caretaker-en-water"]["version"] == 2


def test_the_site_s_own_page_and_zone_stand_in_the_boards(grafana: Grafana) -> None:
    push(grafana)
    variables = grafana.boards["caretaker-en-today"]["templating"]["list"]
    values = {v["name"]: v["query"] for v in variables if v["type"] == "constant"}
    assert values == {"page": "http://school:8420", "zone": "Asia/Urumqi"}


def test_every_failure_says_what_to_do(grafana: Grafana) -> None:
    with pytest.raises(CaretakerError, match="service account"):
        push(grafana, token="wrong")
    grafana.broken = 403
    with pytest.raises(CaretakerError, match="Editor"):
        push(grafana)
    grafana.broken = 502
    with pytest.raises(CaretakerError, match="later"):
        push(grafana)
    grafana.broken = 0
    grafana.sources.clear()
    with pytest.raises(CaretakerError, match="InfluxQL mode"):
        push(grafana)
    grafana.sources["caretaker-influx"] = SOURCE | {"type": "prometheus"}
    with pytest.raises(CaretakerError, match="no InfluxDB"):
        push(grafana)
    grafana.sources["caretaker-influx"] = SOURCE
    push(grafana)
    grafana.provisioned.add("caretaker-en-cold")
    with pytest.raises(CaretakerError, match="provisioned from a file"):
        push(grafana)
    with pytest.raises(CaretakerError, match="does not answer"):
        list(publish(f"http://127.0.0.1:{free_port()}", TOKEN, langs=("en",), page="", zone=""))
    with pytest.raises(CaretakerError, match="without a login"):
        list(publish("http://admin:admin@127.0.0.1:3000", TOKEN, langs=("en",), page="", zone=""))


def test_the_command_pushes_and_tells(grafana: Grafana, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    words = ["dashboards", "publish", "--url", grafana.url, "--token-file", str(file)]
    words += ["--data", str(tmp_path), "--lang", "en"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "7 created" in result.output
    assert TOKEN not in result.output
    assert "7 unchanged" in CliRunner().invoke(app, words).output
    zone = grafana.boards["caretaker-en-today"]["templating"]["list"][1]
    assert ZoneInfo(zone["query"]) == ZoneInfo("Asia/Shanghai")
    file.write_text("", encoding="utf-8")
    assert isinstance(CliRunner().invoke(app, words).exception, CaretakerError)
    words[words.index("en")] = "fr"
    assert isinstance(CliRunner().invoke(app, words).exception, CaretakerError)
