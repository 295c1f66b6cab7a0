"""What the page's address shows while the past is still being filled in: how far it has come.

It serves from the socket that the page takes over, so nobody who looks is ever turned away.
"""

import html
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from caretaker.clock import DAY_MS

_TEXTS = {
    "zh-CN": {
        "title": "校管家正在准备",
        "fill": "正在补齐学校过去 {days} 天的数据：第 {day} 天，共 {days} 天",
        "start": "数据已补齐，正在打开页面",
        "note": "每条数据都像真实设备一样经过解码、入库和判断。完成后本页会自动打开，请不要关闭。",
    },
    "en": {
        "title": "Caretaker is getting ready",
        "fill": "Filling in the school's past: day {day} of {days}",
        "start": "The past is filled in; the page is opening",
        "note": "Every reading is decoded, stored and judged as if it came from a device."
        " The page opens here by itself.",
    },
}
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center;
  font-family: "Inter Variable", Inter, "PingFang SC", "Noto Sans CJK SC", system-ui, sans-serif; }}
main {{ width: min(34rem, 88vw); }}
progress {{ width: 100%; height: .8rem; accent-color: #1b7a55; }}
section + section {{ margin-top: 2.2rem; }}
h1 {{ font-size: 1.3rem; margin: 0 0 .4rem; }} p {{ margin: .5rem 0; line-height: 1.5; }}
small {{ opacity: .75; }}
</style></head><body><main>{sections}</main></body></html>
"""
_SECTION = (
    '<section lang="{lang}"><h1>{title}</h1><p role="status">{said}</p>'
    '<progress max="{days}" value="{done:.2f}"></progress><p><small>{note}</small></p></section>'
)


class Preparing:
    """Answers every address with the progress, until the page itself takes the socket over."""

    def __init__(self, listener: socket.socket, *, start_ms: int, end_ms: int) -> None:
        self._listener = listener
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._at_ms = start_ms
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        preparing = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body, status = preparing.answer(
                    self.path, self.headers.get("Accept-Language", "")
                )
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Retry-After", "1")
                self.send_header("X-Content-Type-Options", "nosniff")
                self.send_header(
                    "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"
                )
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name there)
                del format, args

        address = self._listener.getsockname()[:2]
        server = ThreadingHTTPServer(address, Handler, bind_and_activate=False)
        server.daemon_threads = True
        server.socket.close()
        server.socket = self._listener
        self._server = server
        self._thread = threading.Thread(
            target=lambda: server.serve_forever(poll_interval=0.05), name="preparing", daemon=True
        )
        self._thread.start()

    def reached(self, at_ms: int) -> None:
        """Tell up to which instant the past is filled in [ms UTC]."""
        self._at_ms = at_ms

    def stop(self) -> None:
        """Answer no more; the socket stays open, and who connects now waits for the page."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def days(self) -> int:
        """How many days are filled in altogether."""
        return max(1, -(-(self._end_ms - self._start_ms) // DAY_MS))

    @property
    def day(self) -> int:
        """Which of them is being filled in, the first being 1."""
        return min(self.days, (self._at_ms - self._start_ms) // DAY_MS + 1)

    def answer(self, path: str, languages: str) -> tuple[str, bytes, int]:
        """Return (content type, body, status): the page, or an error for who asks the API."""
        if path.startswith("/api/"):
            error = {
                "code": "preparing",
                "message": _said("en", self),
                "remedy": "Ask again in a moment.",
                "day": self.day,
                "days": self.days,
            }
            return "application/json", json.dumps({"error": error}).encode(), 503
        first = "en" if languages.lower().startswith("en") else "zh-CN"
        order = sorted(_TEXTS, key=lambda lang: lang != first)
        sections = "".join(
            _SECTION.format(
                lang=lang,
                title=html.escape(_TEXTS[lang]["title"]),
                said=html.escape(_said(lang, self)),
                days=self.days,
                done=min(self.days, (self._at_ms - self._start_ms) / DAY_MS),
                note=html.escape(_TEXTS[lang]["note"]),
            )
            for lang in order
        )
        page = _PAGE.format(
            lang=first, title=html.escape(_TEXTS[first]["title"]), sections=sections
        )
        return "text/html; charset=utf-8", page.encode(), 200


def _said(lang: str, preparing: Preparing) -> str:
    """Return how far it is, in words.

    >>> with socket.socket() as listener:
    ...     _said("en", Preparing(listener, start_ms=0, end_ms=90 * DAY_MS))
    "Filling in the school's past: day 1 of 90"
    """
    kind = "start" if preparing._at_ms >= preparing._end_ms else "fill"
    return _TEXTS[lang][kind].format(day=preparing.day, days=preparing.days)
