"""Cold storage too warm: air with a delay, food by probe or lag filter (rule-book 2.3, A1-A3)."""

from collections.abc import Mapping, Sequence

from alerting.cold import defrost, food
from alerting.cold.layout import layout
from alerting.cold.records import Tapped, timeline, within
from alerting.cold.unit import take
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import delay_ms, interval_ms, number, say
from caretaker.clock import MINUTE_MS
from caretaker.vocabulary import Reading, Severity, Truth
from storage.unit_records import UnitRecord

PARAMETERS = (
    "limit_hi_c", "notice_hi_c", "notice_min", "alarm_min", "critical_hi_c", "critical_min",
    "food_alarm_min", "food_critical_min", "food_critical_c", "critical_share", "exposure_hi_c",
    "decision_min", "hysteresis_k", "clear_samples", "clear_min", "tau_min", "gap_min",
    "defrost_min", "defrosts_day", "defrost_every_h", "defrost_first_min", "defrost_rise_k",
    "defrost_rise_min", "defrost_phase_min", "defrost_days", "receiving_max_min",
    "cleaning_max_min", "physics_lo_c", "physics_hi_c",
)  # fmt: skip


class ColdStorage:
    """BAD from the delay on, worse as food warms; recovered after two cool samples over time.

    Defrost, a delivery and cleaning forgive warm air for a while, never warm food and never A3.
    The exposure clock is that of A4: only a recorded disposition resets it.
    """

    name = "cold_storage_warm"
    version = "2"
    parameters = PARAMETERS
    timed = False
    downstream_first = False
    linked = frozenset({"door", "mains"})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return fridges, freezers and sample fridges; one without a thermometer is UNKNOWN."""
        return [subject for subject in candidates if subject.device.role.cold]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge new readings in event time."""
        unit, tapped = layout(subject), Tapped.of(context)
        if not unit.air:
            return state, [Verdict(Truth.UNKNOWN, now_ms, evidence={"why": "no_thermometer"})]
        state = dict(state)
        verdicts: list[Verdict] = []

        def event(record: UnitRecord) -> None:
            food.take_event(state, record, context.limits)

        for reading in timeline(state, unit.relevant(readings), tapped, now_ms, event):
            at = reading.at_ms
            if tapped.decommissioned and within(tapped.decommissioned, at):
                if state.get("bad"):
                    say(verdicts, self._emptied(state, at))
                continue
            new = take(state, reading, subject=subject, unit=unit, context=context)
            if new:
                _count(state, at, reading.value, context.limits)
            if new or (reading.point == unit.food and state.get("food_at_ms") == at):
                say(verdicts, self._judge(subject, state, at, tapped, context.limits))
        if state.get("bad") and within(tapped.decommissioned, now_ms):
            say(verdicts, self._emptied(state, now_ms))
        return state, verdicts

    def _judge(
        self,
        subject: Subject,
        state: State,
        at: int,
        tapped: Tapped,
        limits: Mapping[str, float],
    ) -> Verdict:
        value = number(state, "air_c")
        severity = self._severity(subject, state, at, tapped, limits)
        if severity is None:
            cleared = (
                number(state, "cool") >= limits["clear_samples"]
                and at - number(state, "cool_ms") >= limits["clear_min"] * MINUTE_MS
            )
            if cleared and state.get("bad"):
                began = int(number(state, "bad"))
                evidence = _evidence(state, at, limits)
                state["bad"], state["worst"], state["peak_c"] = None, False, value
                return Verdict(Truth.OK, at, since_ms=began, recovered=True, evidence=evidence)
            if cleared:
                state["peak_c"] = value
            return Verdict(Truth.OK, at)
        since = int(number(state, "since_ms") or number(state, "food_since_ms") or at)
        if severity is Severity.NOTICE:
            since = int(number(state, "notice_ms") or since)
        state["bad"] = state.get("bad") or since
        state["worst"] = state.get("worst") or severity is not Severity.NOTICE
        return Verdict(
            Truth.BAD,
            at,
            severity=severity,
            since_ms=int(number(state, "bad")),
            evidence=_evidence(state, at, limits),
        )

    @staticmethod
    def _severity(
        subject: Subject, state: State, at: int, tapped: Tapped, limits: Mapping[str, float]
    ) -> Severity | None:
        """Return how bad it is now: A3, A2, A1, or None."""
        since, food_since = state.get("since_ms"), state.get("food_since_ms")
        noticed = state.get("notice_ms")
        if since is None and food_since is None and noticed is None:
            return None
        every = interval_ms(subject, state)
        if _critical(state, at, limits, every):
            return Severity.CRITICAL
        forgiven = tapped.forgiven(at) or (
            defrost.forgives(state, at, limits) and not state.get("mains_lost")
        )
        if food_since is not None and at - food_since >= delay_ms(limits, "food_alarm_min", every):
            return Severity.ALARM
        if forgiven:
            return None
        if since is not None and at - since >= delay_ms(limits, "alarm_min", every):
            return Severity.ALARM
        if noticed is not None and at - noticed >= delay_ms(limits, "notice_min", every):
            return Severity.NOTICE
        return None

    @staticmethod
    def _emptied(state: State, at_ms: int) -> Verdict:
        """The unit was emptied: what is in it is nobody's food."""
        began = int(number(state, "bad"))
        state.update(
            bad=None, worst=False, since_ms=None, notice_ms=None, food_since_ms=None, hot=0, cool=0
        )
        return Verdict(
            Truth.OK, at_ms, since_ms=began, recovered=True, evidence={"why": "decommissioned"}
        )


def _critical(state: State, at: int, limits: Mapping[str, float], every: float) -> bool:
    """Return whether it is A3: very warm air twice, warm food for long, or a clock near its end."""
    hot_ms = at - number(state, "hot_ms")
    if number(state, "hot") >= 2 and hot_ms >= limits["critical_min"] * MINUTE_MS:
        return True
    food_since = state.get("food_since_ms")
    if food_since is not None:
        if at - food_since >= delay_ms(limits, "food_critical_min", every):
            return True
        if number(state, "food_c") > limits.get("food_critical_c", 1e9):
            return True
    over = state.get("since_ms") is not None or food_since is not None
    decisive = limits["decision_min"] * limits["critical_share"] / 100
    return over and food.exposure_min(state) >= decisive


def _count(state: State, at: int, value: float, limits: Mapping[str, float]) -> None:
    """Count for how long, and how often in a row, the air was over, hot and cool."""
    limit = limits["limit_hi_c"]
    gap = number(state, "gap_ms")
    if gap > limits["gap_min"] * MINUTE_MS:
        # Unknown in between: coolness was not continuous, nor was warmth after a long gap.
        state["hot"], state["cool"] = 0, 0
        if gap > 2 * limits["gap_min"] * MINUTE_MS:
            state["since_ms"] = state["notice_ms"] = None
    notice = min(limits["notice_hi_c"], limit)
    if value <= notice:
        state["notice_ms"] = None
    elif state.get("notice_ms") is None:
        state["notice_ms"] = at
        state["peak_c"] = value
    if value > limit:
        if state.get("since_ms") is None:
            state["since_ms"] = at
    else:
        state["since_ms"] = None
    # What was an alarm clears below its limit, what was only a notice below the notice's.
    clear = limit if state.get("worst") else notice
    if value <= clear - limits["hysteresis_k"]:
        if not state.get("cool"):
            state["cool_ms"] = at
        state["cool"] = number(state, "cool") + 1
    else:
        state["cool"] = 0
    state["peak_c"] = max(number(state, "peak_c", value), value)
    state["hot"] = number(state, "hot") + 1 if value >= limits["critical_hi_c"] else 0
    if state["hot"] == 1:
        state["hot_ms"] = at


def _evidence(state: State, at: int, limits: Mapping[str, float]) -> dict[str, float | int | str]:
    return {
        "air_c": round(number(state, "air_c"), 2),
        "peak_c": round(number(state, "peak_c"), 2),
        "food_c": round(number(state, "food_c"), 2),
        "limit_c": limits["limit_hi_c"],
        "exposure_min": round(food.exposure_min(state), 1),
        "left_min": round(food.left_min(state, limits), 1),
        "at_ms": at,
    }
