"""Sends notifications by SMTP."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage

from alerting.port import Notification, Outcome
from alerting.texts import SEVERITY
from caretaker.config import ChannelSettings
from caretaker.errors import ConfigurationError

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Email:
    """Sends one mail a notification; `security` is tls, starttls or none."""

    name: str
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password: str = ""
    security: str = "starttls"

    def deliver(self, notification: Notification) -> Outcome:
        """Hand it to the mail server; only a mail refused for itself is given up."""
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.recipients)
        severity = SEVERITY[notification.lang][notification.severity.value]
        mark = "" if notification.kind == "resolved" else f"[{severity}] "
        mail["Subject"] = mark + " ".join(notification.title.split())  # a name may hold a line end
        mail["Message-ID"] = f"<{notification.key.replace(':', '-')}@caretaker>"
        mail.set_content(f"{notification.body}\n\n{notification.link}\n")
        try:
            with self._connect() as server:
                if self.username:
                    server.login(self.username, self.password)
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            # A wrong login or sender is mended by people; then what waited still arrives.
            final = isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code < 600
            detail = self._clean(f"{error.smtp_code} {error.smtp_error!r}")
            return Outcome(delivered=False, retry=not final, detail=detail)
        except (OSError, smtplib.SMTPException) as error:
            detail = self._clean(f"{type(error).__name__}: {error}")
            return Outcome(delivered=False, retry=True, detail=detail)
        return Outcome(delivered=True, detail=f"refused for {sorted(refused)}" if refused else "")

    def _clean(self, text: str) -> str:
        return text.replace(self.password, "***") if self.password else text

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        if self.security == "starttls":
            server.starttls(context=context)
        return server


def build(settings: ChannelSettings, *, secret: str, file: str) -> Email:
    """Return the channel from its options: host, port, sender, recipients, username, security."""
    options = settings.options
    for key in ("host", "sender", "recipients"):
        if not isinstance(options.get(key), str) or not options[key]:
            raise ConfigurationError(
                file=file,
                key=f"channels.{settings.name}.{key}",
                problem="is missing",
                remedy=f'Write {key} = "..."; several recipients are separated by commas.',
            )
    security = str(options.get("security", "starttls"))
    if security not in {"tls", "starttls", "none"}:
        raise ConfigurationError(
            file=file,
            key=f"channels.{settings.name}.security",
            problem=f"{security!r} is unknown",
            remedy="Use tls, starttls or none.",
        )
    return Email(
        name=settings.name,
        host=str(options["host"]),
        port=int(options.get("port", 465 if security == "tls" else 587)),
        sender=str(options["sender"]),
        recipients=tuple(part.strip() for part in str(options["recipients"]).split(",")),
        username=str(options.get("username", "")),
        password=secret,
        security=security,
    )
