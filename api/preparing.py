"""What the page's address shows while the past is still being filled in: how far it has come.

It serves from the socket that the page takes over, so nobody who looks is ever turned away.
"""

import html
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from caretaker.clock import DAY_MS

_TEXTS = {
    "zh-CN": {
        "title": "校管家正在准备",
        "fill": "正在补齐过去 {days} 天的数据：第 {day} 天",
        "start": "数据已补齐，正在打开页面",
        "left": "大约还要 {seconds} 秒",
        "note": "每条数据都像来自真实设备一样解码、入库和判断。完成后这里会自动打开。",
    },
    "en": {
        "title": "Caretaker is getting ready",
        "fill": "Filling in the past {days} days: day {day}",
        "start": "The past is filled in; the page is opening",
        "left": "about {seconds} s left",
        "note": "Every reading is decoded, stored and judged as if it came from a device."
        " The page opens here by itself.",
    },
}
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root {{ color-scheme: light dark; --paper: #f6f7f4; --card: #fff; --line: #e4e8e3;
  --ink: #18211d; --second: #5c6862; --green: #1b7a55; --track: #dfe6df; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #0f1412; --card: #171d1a;
  --line: #29312d; --ink: #e6ebe7; --second: #9aa69f; --green: #4fb98d; --track: #29312d; }} }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
  color: var(--ink); font: 15px/1.5 "Inter Variable", Inter, "PingFang SC", "Noto Sans CJK SC",
  "Microsoft YaHei", system-ui, sans-serif; font-variant-numeric: tabular-nums; }}
main {{ width: min(32rem, calc(100vw - 32px)); box-sizing: border-box; padding: 32px;
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; }}
h1 {{ font-size: 22px; line-height: 1.3; margin: 0 0 8px; }} p {{ margin: 0; text-wrap: pretty; }}
progress {{ display: block; width: 100%; height: 8px; margin: 24px 0 8px; border: 0;
  border-radius: 4px; overflow: hidden; appearance: none; background: var(--track); }}
progress::-webkit-progress-bar {{ background: var(--track); }}
progress::-webkit-progress-value {{ background: var(--green); }}
progress::-moz-progress-bar {{ background: var(--green); }}
small, section + section {{ color: var(--second); font-size: 13px; }}
small {{ display: block; margin-top: 16px; }} .left {{ color: var(--second); min-height: 1.5em; }}
section + section {{ margin-top: 24px; padding-top: 16px; border-top: 1px solid var(--line); }}
</style></head><body><main>{sections}</main></body></html>
"""
_FIRST = (
    '<section><h1>{title}</h1><p role="status">{said}</p>'
    '<progress max="{days}" value="{done:.2f}" aria-label="{said}"></progress>'
    '<p class="left">{left}</p><small>{note}</small></section>'
)
_OTHER = '<section lang="{lang}"><p>{said}</p></section>'
_OTHER_OF = {"en": "zh-CN", "zh-CN": "en"}
_FORESEEN_MS = 5 * DAY_MS
"""After so much of the past it can be said how long the rest will take."""


class Preparing:
    """Answers every address with the progress, until the page itself takes the socket over."""

    def __init__(self, listener: socket.socket, *, start_ms: int, end_ms: int) -> None:
        self._listener = listener
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._at_ms = start_ms
        self._began_s = time.monotonic()
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
        return max(1, round((self._end_ms - self._start_ms) / DAY_MS))

    @property
    def day(self) -> int:
        """Which of them is being filled in, the first being 1."""
        return min(self.days, (self._at_ms - self._start_ms) // DAY_MS + 1)

    @property
    def left_s(self) -> float | None:
        """How long it will take still [s] at the pace up to now; None: not known yet."""
        done_ms = self._at_ms - self._start_ms
        if done_ms < _FORESEEN_MS:
            return None
        lasted_s = time.monotonic() - self._began_s
        return lasted_s * max(0, self._end_ms - self._at_ms) / done_ms

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
        sections = "".join(
            form.format(
                lang=lang,
                title=html.escape(_TEXTS[lang]["title"]),
                said=html.escape(_said(lang, self)),
                left=html.escape(_left(lang, self.left_s)),
                days=self.days,
                done=min(self.days, (self._at_ms - self._start_ms) / DAY_MS),
                note=html.escape(_TEXTS[lang]["note"]),
            )
            for lang, form in ((first, _FIRST), (_OTHER_OF[first], _OTHER))
        )
        page = _PAGE.format(
            lang=first, title=html.escape(_TEXTS[first]["title"]), sections=sections
        )
        return "text/html; charset=utf-8", page.encode(), 200


def _said(lang: str, preparing: Preparing) -> str:
    """Return how far it is, in words.

    >>> with socket.socket() as listener:
    ...     _said("en", Preparing(listener, start_ms=0, end_ms=90 * DAY_MS))
    'Filling in the past 90 days: day 1'
    """
    kind = "start" if preparing._at_ms >= preparing._end_ms else "fill"
    return _TEXTS[lang][kind].format(day=preparing.day, days=preparing.days)


def _left(lang: str, seconds: float | None) -> str:
    """Return how long it will take still, in words; nothing near the end.

    >>> _left("en", 33.0), _left("en", 2.0), _left("zh-CN", None)
    ('about 35 s left', '', '')
    """
    if seconds is None or seconds < 3:
        return ""
    return _TEXTS[lang]["left"].format(seconds=-(-round(seconds) // 5) * 5)
