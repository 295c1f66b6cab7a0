"""Cold storage too warm: air with a delay, food by probe or lag filter (rule-book 2.3, A1-A3)."""

import math
from collections.abc import Mapping, Sequence

from alerting.port import State, Subject, Verdict
from alerting.rules.memory import number
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.vocabulary import DeviceRole, Point, Reading, Severity, Truth

PARAMETERS: dict[str, tuple[float, str]] = {
    # name: (default for a fridge, evidence mark of the rule-book)
    "limit_hi_c": (8.0, "S"),  # GB 31654-2021, 0-8 degC
    "critical_hi_c": (13.0, "D"),
    "notice_min": (15.0, "D"),
    "alarm_min": (30.0, "D"),
    "food_alarm_min": (10.0, "D"),
    "food_critical_min": (60.0, "D"),
    "decision_min": (120.0, "S"),  # 2 h between 8 and 60 degC
    "hysteresis_k": (0.5, "D"),
    "tau_min": (60.0, "D"),
    "defrost_min": (45.0, "D"),
}
FREEZER: dict[str, float] = {
    "limit_hi_c": -12.0,  # frozen holding, GB 31654-2021 [S]
    "critical_hi_c": -5.0,
    "notice_min": 60.0,
    "alarm_min": 60.0,
    "food_alarm_min": 30.0,
    "hysteresis_k": 1.0,
}
_CRITICAL_SHARE = 0.75
_GAP_MS = 30 * MINUTE_MS
_HOT_MS = 4 * MINUTE_MS
"""Two samples of the rule-book lie 5 min apart; a door opening between faster ones is shorter."""
_DEFROSTS = 6  # forgiven a day (rule-book 2.3)
_FREEZER_CRITICAL_MS = 30 * MINUTE_MS


class ColdStorage:
    """Says BAD from the delay on, worse as food warms; recovered after two cool samples.

    The exposure here counts within one excursion; the clock across excursions that only a
    recorded disposition resets (A4) is not part of this rule.
    """

    name = "cold_storage_warm"
    version = "1"
    downstream_first = False

    def __init__(self, *, limits: Mapping[str, float] | None = None) -> None:
        self._limits = dict(limits or {})

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return fridges, freezers and sample fridges that measure a temperature."""
        return [
            subject
            for subject in candidates
            if subject.device.role.cold
            and any(point.quantity == "temperature" for point in subject.points)
        ]

    def parameters(self, subject: Subject) -> dict[str, float]:
        """Return the limits of one unit: rule-book, then site, then the unit's own."""
        base = {name: value for name, (value, _) in PARAMETERS.items()}
        if subject.device.role is DeviceRole.FREEZER:
            base |= FREEZER
        return (
            base
            | {k: v for k, v in self._limits.items() if k in base}
            | {k: v for k, v in subject.device.limits.items() if k in base}
        )

    def step(
        self, subject: Subject, *, state: State, readings: Sequence[Reading], now_ms: int
    ) -> tuple[State, list[Verdict]]:
        """Judge new readings in event time."""
        del now_ms
        limits = self.parameters(subject)
        points = {point.id: point for point in subject.points}
        air = _air_point(subject)
        verdicts: list[Verdict] = []
        state = dict(state)
        for reading in readings:
            point = points[reading.point]
            if point.quantity == "defrost":
                _defrost(state, reading)
            elif point.quantity == "temperature":
                if point.channel == "food" and reading.at_ms > number(state, "probe_ms"):
                    self._food(state, reading.value, reading.at_ms, limits)
                    state["probe_ms"] = reading.at_ms
                if point.id == air:
                    if reading.at_ms <= number(state, "at_ms"):
                        continue  # late: the window it belongs to was judged already
                    # A probe that fell silent proves nothing more: the air's lag takes over.
                    if reading.at_ms - number(state, "probe_ms") > _GAP_MS:
                        self._food(state, _lagged(state, reading, limits), reading.at_ms, limits)
                    verdict = self._air(subject, state, reading, limits)
                    if not verdicts or verdict != verdicts[-1]:
                        verdicts.append(verdict)
        return state, _thinned(verdicts)

    @staticmethod
    def _food(state: State, value: float, at_ms: int, limits: Mapping[str, float]) -> None:
        before = number(state, "food_at_ms", at_ms)
        state["food_c"] = value
        state["food_at_ms"] = at_ms
        if value > limits["limit_hi_c"]:
            if state.get("food_since_ms") is None:
                state["food_since_ms"] = at_ms
            else:
                state["exposure_ms"] = number(state, "exposure_ms") + min(at_ms - before, HOUR_MS)
        else:
            state["food_since_ms"] = None

    def _air(
        self, subject: Subject, state: State, reading: Reading, limits: Mapping[str, float]
    ) -> Verdict:
        at, value = reading.at_ms, reading.value
        if at - number(state, "at_ms", at) > _GAP_MS:
            # Unknown in between: neither warmth nor coolness was continuous.
            state["since_ms"], state["hot"], state["cool"] = None, 0, 0
        state["at_ms"], state["air_c"] = at, value
        limit = limits["limit_hi_c"]
        if value > limit:
            if state.get("since_ms") is None:
                state["since_ms"], state["peak_c"] = at, value
            state["cool"] = 0
        else:
            cool = value <= limit - limits["hysteresis_k"]
            state["cool"] = number(state, "cool") + 1 if cool else 0
            state["since_ms"] = None
        state["peak_c"] = max(number(state, "peak_c", value), value)
        state["hot"] = number(state, "hot") + 1 if value >= limits["critical_hi_c"] else 0
        if state["hot"] == 1:
            state["hot_ms"] = at
        severity = self._severity(subject, state, at, limits)
        if severity is None and state.get("bad"):
            if number(state, "cool") >= 2:
                began = int(number(state, "bad"))
                state["bad"], state["exposure_ms"] = None, 0
                return Verdict(
                    Truth.OK,
                    at,
                    since_ms=began,
                    recovered=True,
                    evidence=self._evidence(state, at, limits),
                )
            return Verdict(Truth.OK, at)
        if severity is None:
            if number(state, "cool") >= 2:
                state["exposure_ms"] = 0
                state["peak_c"] = value
            return Verdict(Truth.OK, at)
        since = int(number(state, "since_ms") or number(state, "food_since_ms") or at)
        state["bad"] = state.get("bad") or since
        return Verdict(
            Truth.BAD,
            at,
            severity=severity,
            since_ms=int(number(state, "bad")),
            evidence=self._evidence(state, at, limits),
        )

    @staticmethod
    def _severity(
        subject: Subject, state: State, at: int, limits: Mapping[str, float]
    ) -> Severity | None:
        since, food_since = state.get("since_ms"), state.get("food_since_ms")
        air_min = (at - float(since)) / MINUTE_MS if since is not None else 0.0
        food_min = (at - float(food_since)) / MINUTE_MS if food_since is not None else -1.0
        # Cold again means recovered; what the exposure did to the food is a person's decision (A4).
        over = since is not None or food_since is not None
        exposure_min = number(state, "exposure_ms") / MINUTE_MS if over else 0.0
        defrosting = (
            state.get("defrost_ms") is not None
            and (at - number(state, "defrost_ms")) / MINUTE_MS <= limits["defrost_min"]
        )
        freezer = subject.device.role is DeviceRole.FREEZER
        hot_for = _FREEZER_CRITICAL_MS if freezer else _HOT_MS
        hot = number(state, "hot") >= 2 and at - number(state, "hot_ms") >= hot_for
        decision_min = limits["decision_min"] * _CRITICAL_SHARE
        if hot or food_min >= limits["food_critical_min"] or exposure_min >= decision_min:
            return Severity.CRITICAL
        if food_min >= limits["food_alarm_min"] or (
            not defrosting and since is not None and air_min >= limits["alarm_min"]
        ):
            return Severity.ALARM
        if not defrosting and since is not None and air_min >= limits["notice_min"]:
            return Severity.NOTICE
        return None

    @staticmethod
    def _evidence(
        state: State, at: int, limits: Mapping[str, float]
    ) -> dict[str, float | int | str]:
        exposure = number(state, "exposure_ms") / MINUTE_MS
        return {
            "air_c": round(number(state, "air_c"), 2),
            "peak_c": round(number(state, "peak_c"), 2),
            "food_c": round(number(state, "food_c"), 2),
            "limit_c": limits["limit_hi_c"],
            "exposure_min": round(exposure, 1),
            "left_min": round(max(0.0, limits["decision_min"] - exposure), 1),
            "at_ms": at,
        }


def _air_point(subject: Subject) -> int:
    """Return the point that tells the air; a lone food probe stands for it."""
    order = {"air": 0, "": 1, "food": 3, "evaporator": 4}
    temperatures: list[Point] = [p for p in subject.points if p.quantity == "temperature"]
    best = min(temperatures, key=lambda p: (order.get(p.channel, 2), p.id))
    return best.id if best.channel != "evaporator" else 0


def _defrost(state: State, reading: Reading) -> None:
    """Remember when a defrost began; a report that stays on is no new beginning."""
    at = reading.at_ms
    on = bool(reading.value)
    if on and not state.get("defrosting"):
        if at - number(state, "defrost_day_ms") >= DAY_MS:
            state["defrost_day_ms"], state["defrosts"] = at, 0
        state["defrosts"] = number(state, "defrosts") + 1
        if number(state, "defrosts") <= _DEFROSTS:
            state["defrost_ms"] = at
    state["defrosting"] = on


def _lagged(state: State, reading: Reading, limits: Mapping[str, float]) -> float:
    """Return the food estimate: first-order lag of air with time constant tau (rule-book 2.2)."""
    before, at = state.get("food_c"), number(state, "food_at_ms")
    if before is None or reading.at_ms - at > _GAP_MS:
        return reading.value
    share = 1.0 - math.exp(-(reading.at_ms - at) / (limits["tau_min"] * MINUTE_MS))
    return float(before) + share * (reading.value - float(before))


def _thinned(verdicts: list[Verdict]) -> list[Verdict]:
    """Keep where the answer changes, and the last one."""
    kept: list[Verdict] = []
    for index, verdict in enumerate(verdicts):
        changed = not kept or (verdict.truth, verdict.severity, verdict.recovered) != (
            kept[-1].truth, kept[-1].severity, kept[-1].recovered,
        )  # fmt: skip
        if changed or index == len(verdicts) - 1:
            kept.append(verdict)
    return kept
