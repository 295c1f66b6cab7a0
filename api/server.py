"""The API and the page on one address, in a thread of its own."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from api import schemas
from api.guard import RefusedError
from api.live import LiveHub
from api.live import router as live_router
from api.routes import ROUTERS, acknowledge
from api.services import Services
from caretaker.errors import ConfigurationError, StorageError

STATIC = Path(__file__).with_name("static")
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def create_app(parts: Services, *, hosts: frozenset[str] = LOOPBACK_HOSTS) -> FastAPI:
    """Return the application; `hosts` are the names it answers to, none given means any."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub: LiveHub = app.state.hub
        pump = asyncio.create_task(hub.run())
        yield
        pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pump

    app = FastAPI(
        title="Caretaker",
        version=parts.version,
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={
            401: {"model": schemas.Refusal},
            403: {"model": schemas.Refusal},
            422: {"model": schemas.Refusal},
        },
    )
    app.state.services = parts
    app.state.hub = LiveHub(parts.journal, clock=parts.clock)
    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    app.include_router(live_router, prefix="/api/v1")
    app.include_router(acknowledge.router, include_in_schema=False)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StorageError, _storage)

    @app.middleware("http")
    async def guard(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        if hosts and host not in hosts:
            # A page of another site that resolves its name to this machine gets nothing.
            return RefusedError(
                421, "wrong_host", "This address is not served here.", "Use 127.0.0.1 or localhost."
            ).response()
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str) -> Response:
        return _page(path)

    return app


def _page(path: str) -> Response:
    if path.startswith("api/"):
        return RefusedError(
            404, "not_found", "There is no such route.", "GET /api/v1/openapi.json lists them."
        ).response()
    file = (STATIC / path).resolve()
    if path and file.is_file() and file.is_relative_to(STATIC.resolve()):
        hashed = path.startswith("assets/")
        age = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return FileResponse(file, headers={"Cache-Control": age})
    index = STATIC / "index.html"
    if not index.is_file():
        return PlainTextResponse("The page is not built. Run: make page", status_code=503)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def _refused(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RefusedError)
    return error.response()


def _invalid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    return RefusedError(
        422, "invalid", f"{where or 'body'}: {first['msg']}.", "Correct it and send it again."
    ).response()


def _http(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    answer = RefusedError(error.status_code, f"http_{error.status_code}", str(error.detail))
    response = answer.response()
    response.headers.update(error.headers or {})
    return response


def _storage(request: Request, error: Exception) -> Response:
    del request
    return RefusedError(
        503, "store_failing", f"Nothing was changed: {error}.", "Look at the disk, then try again."
    ).response()


def listen(host: str, port: int, *, file: str) -> socket.socket:
    """Return a listening socket; raises ConfigurationError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            file=file,
            key="api.port",
            problem=f"cannot listen on {host}:{port} ({error.strerror})",
            remedy="Choose another port in [api] or with --port, or stop what uses it.",
        ) from error
    return listener


class PageServer:
    """Serves the application from a thread; starts only when the port is really its own.

    `listener` is a socket that listens already, to be taken over.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        host: str,
        port: int,
        file: str,
        listener: socket.socket | None = None,
    ) -> None:
        self._host, self._port, self._file = host, port, file
        self._listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, timeout_graceful_shutdown=2, lifespan="on"
            )
        )
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen; raises ConfigurationError when the port is taken."""
        listener = self._listener or listen(self._host, self._port, file=self._file)
        self._socket = listener
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="page", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Return where the page is."""
        assert self._socket is not None
        port = self._socket.getsockname()[1]
        host = "127.0.0.1" if self._host in {"0.0.0.0", ""} else self._host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Answer what is under way, end the streams, and stop."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
        if self._socket is not None:
            self._socket.close()
