"""Threads take longer turns while messages wait, and short ones again when none does."""

import sys
from collections.abc import Iterator

import pytest

from caretaker import interpreter


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = sys.getswitchinterval()
    monkeypatch.setattr(interpreter, "_pace", interpreter._Pace())
    yield
    sys.setswitchinterval(before)


def test_turns_are_long_only_while_messages_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter._pace, "settled", True)
    interpreter.press(pressed=True)
    assert sys.getswitchinterval() == pytest.approx(interpreter.PRESSED_SWITCH_S)
    interpreter.press(pressed=False)
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_S)


def test_a_process_that_was_not_set_up_is_left_alone() -> None:
    before = sys.getswitchinterval()
    interpreter.press(pressed=True)
    assert sys.getswitchinterval() == before
