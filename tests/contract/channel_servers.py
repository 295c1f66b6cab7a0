"""Servers that a notification channel meets in the field, well and sick."""

import contextlib
import json
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

OK_BODY = {"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success"}
FAST_BODY = {"errcode": 130101, "errmsg": "send too fast", "code": 11232, "msg": "frequency"}


@dataclass
class Certificates:
    """A certificate authority with a good and an expired certificate for localhost."""

    folder: Path

    @property
    def authority(self) -> str:
        return str(self.folder / "ca.pem")

    def context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / "key.pem")
        return context


def make_certificates(openssl: str, folder: Path) -> Certificates:
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\n"
        f"database={folder}/index.txt\nnew_certs_dir={folder}\nserial={folder}/serial\n"
        "default_md=sha256\npolicy=p\nunique_subject=no\nx509_extensions=leaf\n"
        "[p]\ncommonName=supplied\n"
        "[req]\ndistinguished_name=dn\n[dn]\n"
        "[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\n"
        "[leaf]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n"
        "authorityKeyIdentifier=keyid\n",
        encoding="ascii",
    )

    def run(*words: str) -> None:
        command = [openssl, *words, "-config", str(folder / "ca.cnf")]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test",
        "-days", "30", "-extensions", "root")  # fmt: skip
    run("req", *new, "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=localhost")
    for name, span in (("good", []), ("expired", ["20200101000000Z", "20200201000000Z"])):
        (folder / "serial").write_text("01" if name == "good" else "02", encoding="ascii")
        dates = ["-startdate", span[0], "-enddate", span[1]] if span else ["-days", "30"]
        run("ca", "-batch", "-notext", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", "csr.pem",
            "-out", f"{name}.pem", *dates)  # fmt: skip
    return Certificates(folder)


@dataclass
class HttpService:
    """An HTTP service in one of its moods; `got` holds (path, headers, body)."""

    mode: str
    tls: ssl.SSLContext | None = None
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                outer.got.append((self.path, dict(self.headers), self.rfile.read(length)))
                outer.answer(self)

            do_GET = do_POST  # noqa: N815  (its base's names)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its base's name)
                del format, args

        class Server(ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                del request, client_address  # clients that give up are what is tested

        self.server = Server(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.mode == "drip":
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000:
                    request.wfile.write(bytes([byte]))
                    time.sleep(0.02)
            return
        if self.mode == "hang":
            time.sleep(2.0)  # longer than anybody waits here
            return
        status = int(self.mode) if self.mode.isdigit() else 200
        body = json.dumps(FAST_BODY if self.mode == "errcode" else OK_BODY).encode()
        request.send_response(status)
        if self.mode == "429":
            request.send_header("Retry-After", "7")
        if self.mode == "302":
            request.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class SmtpService(socketserver.ThreadingTCPServer):
    """As much of SMTP (RFC 5321, STARTTLS RFC 3207) as a client needs, in one of its moods."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, mode: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mode, self.tls = mode, tls
        self.mails: list[tuple[list[bytes], bytes]] = []
        self.port = int(self.server_address[1])
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Smtp(socketserver.BaseRequestHandler):
    server: SmtpService  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        link: socket.socket = self.request
        stream = link.makefile("rwb", buffering=0)
        if self.server.mode == "drip":
            with contextlib.suppress(OSError):
                while True:
                    stream.write(b"2")
                    time.sleep(0.02)
        to: list[bytes] = []
        stream.write(b"220 test ESMTP\r\n")
        while line := stream.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                stream.write(
                    b"250-test\r\n250 STARTTLS\r\n" if self.server.tls else b"250 test\r\n"
                )
            elif verb == b"STAR" and self.server.tls:
                stream.write(b"220 go\r\n")
                link = self.server.tls.wrap_socket(link, server_side=True)
                stream = link.makefile("rwb", buffering=0)
            elif verb == b"RCPT":
                to.append(line)
                stream.write(b"250 ok\r\n")
            elif verb == b"DATA":
                self._data(stream, to)
                to = []
            else:
                stream.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    return

    def _data(self, stream: Any, to: list[bytes]) -> None:
        stream.write(b"354 go on\r\n")
        body = b""
        while (part := stream.readline()) != b".\r\n":
            body += part
        code = {"429": b"451 too many", "500": b"421 down", "errcode": b"554 refused"}
        answer = code.get(self.server.mode, b"250 ok")
        if answer.startswith(b"250"):
            self.server.mails.append((to, body))
        stream.write(answer + b"\r\n")


class Deaf:
    """Accepts and never says a word."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.kept.append(self.listener.accept()[0])

    def stop(self) -> None:
        self.listener.close()
        for link in self.kept:
            link.close()


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Lend a port that nobody listens on and nobody else may take meanwhile."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
