"""Sends notifications by SMTP."""

import contextlib
import smtplib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast

from alerting.channels.place import Place, word
from alerting.port import Notification, Outcome
from alerting.texts import SEVERITY
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError

_TIMEOUT_S = 10.0
DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Email:
    """Sends one mail a notification; `security` is tls, starttls or none.

    Everything, from the name to the last answer, has one deadline.
    """

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    security: str = "starttls"
    ca_file: str = ""
    deadline_s: float = DEADLINE_S

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it to the mail server; only a mail refused for itself is given up."""
        to = notification.recipients or self.recipients
        if not to:
            return Outcome(delivered=False, detail="no mail address")
        client = _Client(self.security, ca_file=self.ca_file)
        timer = threading.Timer(self.deadline_s, client.cut)
        timer.daemon = True
        timer.start()
        try:
            client.connect(self.host, self.port)
            if self.security == "starttls":
                client.secure()
            if self.username:
                client.login(self.username, self.password)
            refused = client.send_message(self._mail(notification, to))
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.quit()
        except smtplib.SMTPRecipientsRefused as error:
            final = all(500 <= code < 600 for code, _ in error.recipients.values())
            detail = self._clean(str(sorted(code for code, _ in error.recipients.values())))
            return Outcome(delivered=False, retry=not final, detail=f"no recipient: {detail}")
        except smtplib.SMTPResponseException as error:
            # A wrong login or sender is mended by people; then what waited still arrives.
            final = isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600
            detail = self._clean(f"{error.smtp_code} {error.smtp_error!r}")
            return Outcome(delivered=False, retry=not final, detail=detail[:160])
        except (OSError, ValueError, smtplib.SMTPException) as error:
            late = "no whole answer in time: " if client.late else ""
            detail = self._clean(f"{late}{type(error).__name__}: {error}")
            return Outcome(delivered=False, retry=True, detail=detail[:160])
        finally:
            timer.cancel()
            client.close()
        return Outcome(delivered=True, detail=f"refused for {sorted(refused)}" if refused else "")

    def _mail(self, notification: Notification, to: tuple[str, ...]) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(to)
        severity = SEVERITY[notification.lang][notification.severity.value]
        mark = "" if notification.over else f"[{severity}] "
        mail["Subject"] = mark + " ".join(notification.title.split())  # a name may hold a line end
        mail["Message-ID"] = f"<{notification.key.replace(':', '-')}@caretaker>"
        if notification.severity.value == "critical" and not notification.over:
            mail["X-Priority"] = "1"
        mail.set_content(f"{notification.body}\n\n{notification.link}\n")
        return mail

    def _clean(self, text: str) -> str:
        return text.replace(self.password, "***") if self.password else text


class _Client(smtplib.SMTP):
    """An SMTP client whose socket can be cut at any moment, also within a handshake."""

    def __init__(self, security: str, *, ca_file: str) -> None:
        self.context = _LazyTls(ca_file) if security != "none" else None
        self.late = False
        self._tls = security == "tls"
        super().__init__(timeout=_TIMEOUT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host  # the name that the certificate must prove
        plain = socket.create_connection((host, port), timeout)
        self.sock = plain
        if self._tls and self.context is not None:
            self.sock = self.context.wrap_socket(plain, server_hostname=host)
            self.sock.do_handshake()
        return self.sock

    def secure(self) -> None:
        """Turn to TLS, and prove by the certificate who it is before another word."""
        self.starttls(context=cast("ssl.SSLContext", self.context))  # it only wraps
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()

    def cut(self) -> None:
        """End it, whatever it waits for."""
        self.late = True
        found = self.sock
        if found is not None:
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)


class _LazyTls:
    """Wraps a socket and leaves the handshake to the caller, who then can be cut off in it."""

    def __init__(self, ca_file: str) -> None:
        self._context = ssl.create_default_context(cafile=ca_file or None)

    def wrap_socket(self, plain: socket.socket, *, server_hostname: str) -> ssl.SSLSocket:
        """Return the wrapped socket; it verifies name and certificate."""
        return self._context.wrap_socket(
            plain, server_hostname=server_hostname, do_handshake_on_connect=False
        )


def build(settings: ChannelSettings, place: Place) -> Email:
    """Return the channel from its options: host, port, sender, recipients, username, security."""
    options = settings.options
    host = word(settings, place, "host", "the mail server")
    sender = word(settings, place, "sender", "from whom the mails come")
    security = str(options.get("security", "starttls"))
    if security not in {"tls", "starttls", "none"}:
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}.security",
            problem=f"{security!r} is unknown",
            remedy="Use tls, starttls or none.",
        )
    port = options.get("port", 465 if security == "tls" else 587)
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65_535:
        raise ConfigurationError(
            file=place.file,
            key=f"channels.{settings.name}.port",
            problem=f"{port!r} is no port",
            remedy="Use the number that the mail server listens on.",
        )
    recipients = str(options.get("recipients", ""))
    return Email(
        name=settings.name,
        host=host,
        port=port,
        sender=sender,
        recipients=tuple(part.strip() for part in recipients.split(",") if part.strip()),
        username=str(options.get("username", "")),
        password=place.secret,
        security=security,
        ca_file=str(options.get("ca_file", "")),
    )
