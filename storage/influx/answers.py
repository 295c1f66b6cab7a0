"""What each answer of a store means, and what is done about it: one table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum


class Action(StrEnum):
    """What is done about an answer."""

    STORED = "stored"  # go on
    DIVIDE = "divide"  # some row is bad: halve until it stands alone, quarantine it
    EXPIRED = "expired"  # older than the store keeps: stays in the journal, is not missing
    SPLIT = "split"  # too large: send in halves
    CREATE = "create"  # bucket or database is not there: make it, else alarm
    ALARM = "alarm"  # a person must act; everything is kept and tried again slowly
    WAIT = "wait"  # busy, broken or unreachable: keep and try again


@dataclass(frozen=True, slots=True)
class Answer:
    """A store's reply to one request; `status` 0 means that none came, `text` says why."""

    status: int
    text: str = ""
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. `wait_s` is what the store asked for [s], `dropped` how many rows
    it says it left out (0: it does not say)."""

    action: Action
    reason: str = ""
    remedy: str = ""
    wait_s: float = 0.0
    dropped: int = 0


_DROPPED = re.compile(r"dropped=(\d+)\W*(?:for database|$)|dropped=(\d+)")
_EXPIRED = re.compile(r"retention policy|retention period|beyond retention", re.IGNORECASE)
_MISSING = re.compile(
    r"(database|bucket|organization)[^\n]{0,80}not found|not found[^\n]{0,40}(database|bucket)",
    re.IGNORECASE,
)
_MAX_WAIT_S = 3_600.0

_NO_RIGHT = "Give Caretaker a token that may write: caretaker influx setup"
_BROKEN = "Look at the store's own log and disk."
_AWAY = "Is the store up, and [influx] url right?"
_WRONG_PATH = "Is the address a store's, and [influx] version the right one? auto finds it."


def judge(answer: Answer, *, now_s: float = 0.0) -> Verdict:
    """Return what to do about an answer to a write.

    >>> judge(Answer(204)).action.value
    'stored'
    >>> judge(Answer(429, retry_after="7")).wait_s
    7.0
    >>> judge(Answer(422, "field type conflict: input field v ... dropped=2")).dropped
    2
    >>> judge(Answer(400, "partial write: points beyond retention policy dropped=1")).action.value
    'expired'
    >>> judge(Answer(404, 'bucket "x" not found')).action.value, judge(Answer(404)).action.value
    ('create', 'alarm')
    """
    status, text = answer.status, answer.text.strip()
    reason = f"{status} {text[:300]}".strip() if status else text[:300] or "no answer"
    if 200 <= status < 300:
        return Verdict(Action.STORED)
    if status in {400, 404, 422} and _MISSING.search(text):
        return Verdict(Action.CREATE, reason)
    if status in {400, 422}:
        found = _DROPPED.search(text)
        dropped = int(found.group(1) or found.group(2)) if found else 0
        action = Action.EXPIRED if _EXPIRED.search(text) else Action.DIVIDE
        return Verdict(action, reason, dropped=dropped)
    if status == 413:
        return Verdict(Action.SPLIT, reason)
    if status in {408, 429, 503}:
        return Verdict(
            Action.WAIT,
            reason,
            "The store is busy; what waits is in the journal.",
            wait_s=retry_after_s(answer.retry_after, now_s=now_s),
        )
    if status >= 500 or not status:
        return Verdict(Action.WAIT, reason, _BROKEN if status else _AWAY)
    return Verdict(Action.ALARM, reason, _NO_RIGHT if status in {401, 403} else _WRONG_PATH)


def retry_after_s(header: str, *, now_s: float) -> float:
    """Return how long a Retry-After header asks to wait [s], at most an hour; 0 if unreadable.

    >>> retry_after_s("120", now_s=0), retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", now_s=20)
    (120.0, 40.0)
    >>> retry_after_s("soon", now_s=0), retry_after_s("1e999", now_s=0)
    (0.0, 0.0)
    """
    text = header.strip()
    if text.isdecimal() and text.isascii():
        return min(float(int(text[:9])), _MAX_WAIT_S)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(moment - now_s, 0.0), _MAX_WAIT_S)


def answer_of(status: int, body: bytes | str, headers: Mapping[str, str]) -> Answer:
    """Return a reply as an Answer."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return Answer(status, text, headers.get("Retry-After", "") or headers.get("retry-after", ""))
