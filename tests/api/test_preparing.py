"""Who looks while the past is filled in sees how far it is, and then the page, without a gap."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from api.preparing import Preparing
from api.server import PageServer, listen
from caretaker.clock import DAY_MS, HOUR_MS
from caretaker.errors import ConfigurationError

START_MS = 1_788_220_800_000


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    made = listen("127.0.0.1", 0, file="test")
    yield made
    made.close()


@pytest.fixture
def preparing(listener: socket.socket) -> Iterator[Preparing]:
    made = Preparing(listener, start_ms=START_MS, end_ms=START_MS + 90 * DAY_MS - HOUR_MS)
    made.start()
    yield made
    made.stop()


def get(listener: socket.socket, path: str, language: str = "") -> str:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
    request = urllib.request.Request(url, headers={"Accept-Language": language})
    with urllib.request.urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
        return body.decode()


def test_the_day_is_told_in_both_languages_the_readers_first(
    listener: socket.socket, preparing: Preparing
) -> None:
    preparing.reached(START_MS + 30 * DAY_MS + HOUR_MS)
    chinese, english = get(listener, "/", "zh-CN,zh"), get(listener, "/cold", "en-GB")
    for page in (chinese, english):
        assert "past 90 days: day 31" in page
        assert "过去 90 天的数据：第 31 天" in page
    assert chinese.index("第 31 天") < chinese.index("day 31")
    assert english.index("day 31") < english.index("第 31 天")


def test_a_client_of_the_api_is_told_to_ask_again(
    listener: socket.socket, preparing: Preparing
) -> None:
    preparing.reached(START_MS + DAY_MS)
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(listener, "/api/v1/today")
    assert refused.value.code == 503
    assert refused.value.headers["Retry-After"] == "1"
    error = json.loads(refused.value.read())["error"]
    assert (error["code"], error["day"], error["days"]) == ("preparing", 2, 90)


def test_who_connects_between_the_two_gets_the_page(
    listener: socket.socket, preparing: Preparing
) -> None:
    preparing.stop()
    with socket.create_connection(listener.getsockname()) as waiting:
        waiting.sendall(b"GET /here HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        app = FastAPI()
        app.add_api_route("/here", lambda: "the page itself")
        page = PageServer(app, host="127.0.0.1", port=0, file="test", listener=listener)
        page.start()
        try:
            waiting.settimeout(30)
            heard = b""
            while part := waiting.recv(4096):
                heard += part
        finally:
            page.stop()
    assert b"the page itself" in heard


def test_a_taken_port_is_named(listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    with pytest.raises(ConfigurationError, match=str(taken)):
        listen("127.0.0.1", taken, file="test")


def test_what_is_left_is_told_once_it_is_known(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, preparing: Preparing
) -> None:
    assert preparing.left_s is None
    monkeypatch.setattr("api.preparing.time.monotonic", lambda: preparing._began_s + 20.0)
    preparing.reached(START_MS + 30 * DAY_MS)
    assert preparing.left_s == pytest.approx(40.0, abs=0.1)
    assert "大约还要 40 秒" in get(listener, "/", "zh-CN")
