"""What a thermometer of cold storage cannot mean: a value that never moves, one beyond physics."""

from collections.abc import Sequence

from alerting.cold.layout import layout
from alerting.port import Context, State, Subject, Verdict
from alerting.rules.memory import number, say
from caretaker.clock import HOUR_MS
from caretaker.vocabulary import Reading, Severity, Truth

_BUFFERED = 4
"""A buffered probe may lie still so many times as long."""


class SensorStuck:
    """BAD when a temperature did not move by 0.1 K for 6 h; recovered as soon as it does.

    A food probe, buffered as it is, must show one and the same value for 24 h.
    """

    name = "sensor_stuck"
    version = "1"
    parameters = ("stuck_k", "stuck_h")
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units that hold food and have a thermometer."""
        return [s for s in candidates if s.device.role.holds_food and layout(s).air]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Judge each of the unit's thermometers by itself."""
        del now_ms
        unit, limits = layout(subject), context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            if reading.point not in unit.temperatures:
                continue
            name, at = str(reading.point), reading.at_ms
            # A buffered probe is meant to lie still: only a value that never changes is stuck.
            buffered = reading.point == unit.food != unit.air
            still_k = 1e-6 if buffered else limits["stuck_k"] - 1e-9
            patience_ms = limits["stuck_h"] * HOUR_MS * (_BUFFERED if buffered else 1)
            held = state.get(name)
            if held is not None and at <= held[2]:
                continue
            # [value it stands at, since when, newest reading, whether it was called stuck]
            moved = held is None or abs(reading.value - held[0]) >= still_k
            if held is None or moved:
                state[name] = [reading.value, at, at, False]
                if held is not None and held[3]:
                    say(verdicts, Verdict(Truth.OK, at, since_ms=held[1], recovered=True))
                continue
            stuck = held[3] or at - held[1] >= patience_ms
            state[name] = [held[0], held[1], at, stuck]
            if stuck:
                say(
                    verdicts,
                    Verdict(
                        Truth.BAD,
                        at,
                        severity=Severity.ALARM,
                        since_ms=held[1],
                        evidence={
                            "value_c": held[0],
                            "hours": round((at - held[1]) / HOUR_MS, 1),
                        },
                    ),
                )
        state["bad"] = any(item[3] for item in state.values() if isinstance(item, list))
        return state, verdicts


class SensorImplausible:
    """BAD after two values in a row that no food store can have; such values judge nothing else."""

    name = "sensor_implausible"
    version = "1"
    parameters = ("physics_lo_c", "physics_hi_c")
    timed = False
    downstream_first = False
    linked = frozenset[str]()

    def subjects(self, candidates: Sequence[Subject]) -> list[Subject]:
        """Return units that hold food and have a thermometer."""
        return [s for s in candidates if s.device.role.holds_food and layout(s).air]

    def step(
        self,
        subject: Subject,
        *,
        state: State,
        readings: Sequence[Reading],
        context: Context,
        now_ms: int,
    ) -> tuple[State, list[Verdict]]:
        """Count values out of range in a row, over all of the unit's thermometers."""
        del now_ms
        points, limits = layout(subject).temperatures, context.limits
        state = dict(state)
        verdicts: list[Verdict] = []
        for reading in readings:
            if reading.point not in points:
                continue
            at, value, name = reading.at_ms, reading.value, str(reading.point)
            if limits["physics_lo_c"] <= value <= limits["physics_hi_c"]:
                if state.get(f"{name}.bad"):
                    state[f"{name}.bad"] = None
                    since = int(number(state, f"{name}.since_ms"))
                    say(verdicts, Verdict(Truth.OK, at, since_ms=since, recovered=True))
                state[f"{name}.count"] = 0
                continue
            count = number(state, f"{name}.count") + 1
            state[f"{name}.count"] = count
            if count == 1:
                state[f"{name}.since_ms"] = at
            if count >= 2:
                state[f"{name}.bad"] = True
                say(
                    verdicts,
                    Verdict(
                        Truth.BAD,
                        at,
                        severity=Severity.ALARM,
                        since_ms=int(number(state, f"{name}.since_ms")),
                        evidence={"value_c": round(value, 2)},
                    ),
                )
        state["bad"] = any(state.get(f"{point}.bad") for point in points)
        return state, verdicts
