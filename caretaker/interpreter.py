"""How the interpreter is set for a process whose answers must not wait for its own housework."""

import gc
import sys

SWITCH_S = 0.0001
"""Each statement of SQLite lets go of the interpreter; a thread that computes would give it back
only after 5 ms, and an alert is some hundred statements away. Beside a thread that computes without
rest the journal keeps up with 1,000 readings a second at this pace, and not at 0.5 ms
(tests/bench/alerts.py)."""

PRESSED_SWITCH_S = 0.001
"""The same while messages come faster than they can be decoded: then both threads have work at all
times, a turn costs some 10 us of each, and at 0.1 ms turns took a third of the CPU of a message
(tests/bench/ingest.py: 59 us against 40)."""

_YOUNG = 20_000
"""Objects made before the youngest are looked through: a batch of messages, not a few of them."""


def settle() -> None:
    """Let threads take turns quickly, and never look through what was loaded at the start again.

    To be called when everything is loaded and before the first message. A full collection visits
    every object, 50 ms for those that are there for good, and no thread runs meanwhile: they are
    set aside (`gc.freeze`), and the youngest are collected less often.
    """
    sys.setswitchinterval(SWITCH_S)
    _pace.settled = True
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)


class _Pace:
    settled = pressed = False


_pace = _Pace()


def press(*, pressed: bool) -> None:
    """Let threads take longer turns while messages wait to be decoded; only once settled."""
    if pressed is not _pace.pressed and _pace.settled:
        _pace.pressed = pressed
        sys.setswitchinterval(PRESSED_SWITCH_S if pressed else SWITCH_S)
