"""Makes what Caretaker needs in a store: buckets with retention, mappings, two narrow tokens."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caretaker.config import InfluxSettings
from caretaker.errors import StorageError
from storage.influx.answers import Action, Answer, judge
from storage.influx.influxql import QueryError, quoted
from storage.influx.lines import PROBE_LINE
from storage.influx.server import KINDS, Server, Tokens

_RETRY_S = 2.0
_WRITER, _READER = "caretaker_write", "caretaker_read"


@dataclass(frozen=True, slots=True)
class Made:
    """What a set-up did, line by line, and the tokens it made."""

    steps: tuple[str, ...]
    tokens: Mapping[str, str]


class SetupError(StorageError):
    """The store refused a step; the message says which and why."""


def _must(answer: Answer, what: str) -> Answer:
    if not 200 <= answer.status < 300:
        raise SetupError(f"{what}: {answer.status or ''} {answer.text[:200]}".strip())
    return answer


def set_up(
    settings: InfluxSettings, *, admin: str, known: Mapping[str, str], wait_s: float = 0.0
) -> Made:
    """Make buckets, retention, mapping and tokens with an administrator's token; again: no change.

    The administrator's token (user:password in version 1) is used here and kept nowhere. Tokens
    that are `known` and still open what they should are kept. A server that is just starting is
    waited for, `wait_s` [s] at most. Raises SetupError.
    """
    ends_s = time.monotonic() + wait_s
    while True:
        try:
            return _set_up(settings, admin, known)
        except SetupError:
            if time.monotonic() >= ends_s:
                raise
            time.sleep(_RETRY_S)


def _good(settings: InfluxSettings, known: Mapping[str, str]) -> bool:
    """Return whether the tokens that are known may write and read."""
    if not (known.get("write") and known.get("read")):
        return False
    server = Server(settings, Tokens(known["write"], known["read"]))
    try:
        if server.recognise().status != 204:
            return False
        for raw in (True, False):
            taken = judge(server.write(PROBE_LINE, raw=raw)).action
            if taken not in {Action.STORED, Action.EXPIRED}:
                return False
            list(server.query("SHOW MEASUREMENTS LIMIT 1", raw=raw))
    except QueryError:
        return False
    finally:
        server.close()
    return True


def _set_up(settings: InfluxSettings, admin: str, known: Mapping[str, str]) -> Made:
    server = Server(settings, Tokens(admin, admin))
    try:
        _must(server.recognise(), "which version answers")
        if _good(settings, known):
            return Made((f"The tokens at hand open {settings.url}; nothing is changed",), {})
        if server.kind is KINDS["2"]:
            return _version_2(server)
        steps = [f"{server.kind.name if server.kind else ''} answers at {settings.url}"]
        for bucket, days in server.buckets().items():
            _must(server.create(bucket, days), f"database {bucket}")
            steps.append(f"database {bucket} is there, {_kept(days)}")
        if server.kind is KINDS["1"] and admin:
            return _users(server, steps)
        return Made(tuple(steps), {})
    finally:
        server.close()


def _kept(days: int) -> str:
    return f"kept {days} days" if days else "kept for ever"


def _users(server: Server, steps: list[str]) -> Made:
    """Version 1 with logins: a user that may only write, and one that may only read."""
    tokens = {}
    for name, user, right in (("write", _WRITER, "WRITE"), ("read", _READER, "READ")):
        password = secrets.token_urlsafe(24)
        made = server.command(f'CREATE USER "{user}" WITH PASSWORD {quoted(password)}')
        if made.status != 204:
            _must(server.command(f'SET PASSWORD FOR "{user}" = {quoted(password)}'), f"user {user}")
        for bucket in server.buckets():
            _must(server.command(f'GRANT {right} ON "{bucket}" TO "{user}"'), f"rights of {user}")
        tokens[name] = f"{user}:{password}"
        steps.append(f"user {user} may {name} and no more")
    return Made(tuple(steps), tokens)


def _version_2(server: Server) -> Made:
    settings = server.settings
    answer, found = server.get("/api/v2/orgs", {"org": settings.org})
    organisations = found.get("orgs") or []
    if not organisations:
        raise SetupError(
            f"organisation {settings.org!r}: {answer.status} {answer.text[:200]}; "
            "make it, or correct [influx] org"
        )
    org = str(organisations[0]["id"])
    steps, resources = [f"InfluxDB 2 answers at {settings.url}"], []
    for bucket, days in server.buckets().items():
        number = _bucket(server, bucket, days)
        resources.append({"type": "buckets", "id": number, "orgID": org})
        steps.append(f"bucket {bucket} is there, {_kept(days)}")
        if _map(server, org, bucket, number):
            steps.append(f"InfluxQL finds bucket {bucket} as a database")
    tokens = {}
    for name in ("write", "read"):
        tokens[name] = _token(server, org, name, resources)
        steps.append(f"token {name}: may {name} these buckets and no more")
    return Made(tuple(steps), tokens)


def _bucket(server: Server, bucket: str, days: int) -> str:
    def find() -> str:
        _, found = server.get("/api/v2/buckets", {"org": server.settings.org, "name": bucket})
        buckets: list[dict[str, Any]] = found.get("buckets") or []
        return str(buckets[0]["id"]) if buckets else ""

    number = find()
    if not number:
        _must(server.create(bucket, days), f"bucket {bucket}")
        number = find()
    rules = [{"type": "expire", "everySeconds": days * 86_400}]
    answer = server.send("PATCH", f"/api/v2/buckets/{number}", {"retentionRules": rules})
    _must(answer, f"retention of {bucket}")
    return number


def _map(server: Server, org: str, bucket: str, number: str) -> bool:
    """Map the bucket for InfluxQL, unless the server does so by itself; True when it was made."""
    _, found = server.get("/api/v2/dbrps", {"orgID": org, "db": bucket})
    if found.get("content"):
        return False
    mapping = {"bucketID": number, "database": bucket, "default": True, "orgID": org}
    _must(
        server.post("/api/v2/dbrps", mapping | {"retention_policy": "autogen"}),
        f"InfluxQL mapping of {bucket}",
    )
    return True


def _token(server: Server, org: str, action: str, resources: list[dict[str, str]]) -> str:
    wanted = {
        "orgID": org,
        "description": f"Caretaker, {action} only",
        "permissions": [{"action": action, "resource": one} for one in resources],
    }
    made = _must(server.post("/api/v2/authorizations", wanted), f"token {action}")
    return str(server.parsed(made)["token"])
