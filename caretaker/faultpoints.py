"""Places where a fault test may kill the process; nothing happens unless one is armed.

`CARETAKER_FAULT=notify.queued:3` kills it (SIGKILL) when that place is reached the third time.
"""

import os
import signal

POINTS = (
    "ingest.decoded",
    "journal.readings",
    "lifecycle.opened",
    "notify.queued",
    "journal.judged",
    "journal.committed",
    "ingest.acknowledged",
    "courier.taken",
    "courier.handed",
    "courier.recorded",
)
"""In the order a reading passes them on its way to a person."""


def _armed(text: str) -> tuple[str, int]:
    """Return (place, how often it must be reached).

    >>> _armed("notify.queued:3"), _armed("courier.taken"), _armed("")
    (('notify.queued', 3), ('courier.taken', 1), ('', 0))
    """
    name, _, count = text.partition(":")
    return name, int(count or 1) if name else 0


_NAME, _LEFT = _armed(os.environ.get("CARETAKER_FAULT", ""))


def reach(name: str, *, when: bool = True) -> None:
    """Die here if a fault test asked for it; a pass with `when` false does not count."""
    global _LEFT  # noqa: PLW0603  (the one counter of the one armed place)
    if _NAME and when and name == _NAME:
        _LEFT -= 1
        if not _LEFT:
            os.kill(os.getpid(), signal.SIGKILL)
