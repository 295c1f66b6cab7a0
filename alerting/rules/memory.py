"""What rules share: memory read as numbers, and answers kept where they change."""

from collections.abc import Mapping
from dataclasses import replace

from alerting.port import State, Subject, Verdict
from caretaker.vocabulary import Truth


def number(state: State, key: str, default: float = 0.0) -> float:
    """Return what is remembered under a key as a number, or the default.

    >>> number({"peak_c": 9.5, "since_ms": None}, "since_ms", 1.0)
    1.0
    """
    # Called some times for each reading: a conversion here would cost a rehearsal seconds.
    value: float | None = state.get(key)
    return default if value is None else value


def say(verdicts: list[Verdict], verdict: Verdict) -> None:
    """Add a verdict; one that says the same as the last only brings it newer evidence.

    BAD keeps the instant when it was first said; what recovered always stands by itself.
    """
    if verdicts:
        last = verdicts[-1]
        same = (last.truth, last.severity, last.stage, last.since_ms) == (
            verdict.truth, verdict.severity, verdict.stage, verdict.since_ms,
        )  # fmt: skip
        if same and not last.recovered and not verdict.recovered:
            bad = verdict.truth is Truth.BAD
            verdicts[-1] = replace(verdict, at_ms=last.at_ms) if bad else verdict
            return
    verdicts.append(verdict)


def interval_ms(subject: Subject, state: State) -> float:
    """Return how often a device sends [ms]: as set, else as observed, else five minutes."""
    if subject.device.interval_s:
        return subject.device.interval_s * 1000.0
    return number(state, "step_ms", 300_000.0)


def observe(state: State, at_ms: int, before_ms: float) -> None:
    """Learn how often a device sends from two readings in a row."""
    step = at_ms - before_ms
    if 0 < step <= 3_600_000:
        state["step_ms"] = 0.8 * number(state, "step_ms", step) + 0.2 * step


def delay_ms(limits: Mapping[str, float], name: str, interval: float) -> float:
    """Return a delay [ms], never shorter than two sample intervals (rule-book 2.3).

    >>> delay_ms({"alarm_min": 5}, "alarm_min", 300_000.0)
    600000.0
    """
    return max(limits[name] * 60_000.0, 2.0 * interval)
