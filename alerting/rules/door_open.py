"""A door that stands open: more than 3 min notice, more than 10 min alarm (rule-book 2.3)."""

from collections.abc import Mapping, Sequence

from alerting.cold.layout import layout
from alerting.cold.records import Tapped
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.clock import HOUR_MS, MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth


class DoorOpen:
    """BAD as long as the door of a unit stands open too long; a power cut suspends it.

    A delivery being put away and cleaning forgive it up to their ceilings. Openings and open
    minutes of the hour are counted in its state: `openings`, `open_ms`, `hour_ms`.
    """

    name = "cold_door_open"
    version = "1"
    parameters = ("door_notice_min", "door_alarm_min", "receiving_max_min", "cleaning_max_min")
    timed = True
    downstream_first = False
    linked = frozenset({"door", "mains"})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units of cold storage with a door contact, their own or linked to them."""
        return [s for s in candidates if s.device.role.cold and layout(s).doors]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge the door; a verdict bears the instant when it became due."""
        unit, tapped, limits = layout(subject), Tapped.of(context), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            at = reading.at_ms
            if reading.point in unit.mains:
                state["mains_lost"] = reading.value < 0.5
            if reading.point not in unit.doors or at < number(state, "at_ms", -1.0):
                continue
            is_open, since = reading.value >= 0.5, state.get("open_since_ms")
            if not _polled(state) or is_open:
                _due(state, at, tapped, limits, verdicts)
            _hour(state, at)
            _learn(state, at, is_open=is_open)
            if is_open and since is None:
                state["open_since_ms"] = at
                state["openings"] = number(state, "openings") + 1
            elif not is_open and since is not None:
                state["open_since_ms"], state["stage"] = None, 0
                if state.get("bad"):
                    state["bad"] = None
                    say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
        if not _polled(state):
            _due(state, now_ms, tapped, limits, verdicts)
        return state, verdicts


def _learn(state: State, at: int, *, is_open: bool) -> None:
    """Learn whether the contact tells each change, or is only looked at now and then."""
    before = number(state, "at_ms", -1.0)
    state["at_ms"] = at
    if before < 0:
        return
    same = 1.0 if is_open == (state.get("open_since_ms") is not None) else 0.0
    state["repeats"] = 0.9 * number(state, "repeats", same) + 0.1 * same
    state["step_ms"] = 0.8 * number(state, "step_ms", at - before) + 0.2 * (at - before)


def _polled(state: State) -> bool:
    """Return whether a value proves an instant only: most repeat the one before, seldom enough."""
    return number(state, "repeats") > 0.5 and number(state, "step_ms") >= MINUTE_MS


def _hour(state: State, at: int) -> None:
    """Add what the door was open since last counted, by the hour."""
    hour = at - at % HOUR_MS
    counted = number(state, "counted_ms", at)
    if hour != number(state, "hour_ms", -1.0):
        state["last_openings"] = state.get("openings", 0)
        state["last_open_ms"] = state.get("open_ms", 0)
        state["hour_ms"], state["openings"], state["open_ms"] = hour, 0, 0
        counted = max(counted, hour)
    if state.get("open_since_ms") is not None:
        state["open_ms"] = number(state, "open_ms") + max(0, at - counted)
    state["counted_ms"] = at


def _due(
    state: State,
    to_ms: int,
    tapped: Tapped,
    limits: Mapping[str, float],
    verdicts: list[Verdict],
) -> None:
    """Say what became due up to an instant."""
    since = state.get("open_since_ms")
    if since is None or state.get("mains_lost"):
        return
    begins = since
    for start, end in sorted((*tapped.receiving, *tapped.cleaning)):
        if start <= begins < end:
            begins = end
    for stage, name, severity in (
        (1, "door_notice_min", Severity.NOTICE),
        (2, "door_alarm_min", Severity.ALARM),
    ):
        delay = limits[name] * MINUTE_MS
        if _polled(state):  # never shorter than two sample intervals
            delay = max(delay, 2 * number(state, "step_ms"))
        due = begins + round(delay)
        passed = to_ms > due or (to_ms == due and _polled(state))
        if passed and number(state, "stage") < stage:
            state["stage"], state["bad"] = stage, True
            say(
                verdicts,
                Verdict(
                    Truth.BAD,
                    due,
                    severity=severity,
                    since_ms=since,
                    evidence={"open_min": round((due - since) / MINUTE_MS, 1)},
                ),
            )
