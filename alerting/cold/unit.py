"""What a unit's readings mean, taken into a rule's state: states, air and food, in one place."""

from alerting.cold import compressor, defrost, food
from alerting.cold.layout import Layout
from alerting.port import Context, State, Subject
from alerting.rules.memory import interval_ms, number, observe
from caretaker.vocabulary import Reading


def take(
    state: State, reading: Reading, *, subject: Subject, unit: Layout, context: Context
) -> bool:
    """Take a reading of a cold unit; return whether it was a new sample of its air.

    State keys: `air_c`, `at_ms`, `step_ms`, `door`, `mains_lost` and those of food, defrost and
    compressor. A value beyond physics is taken for nothing.
    """
    point, at, value, limits = reading.point, reading.at_ms, reading.value, context.limits
    if point not in unit.temperatures:
        _signal(state, reading, unit, context)
        return False
    if point not in (unit.air, unit.food):
        return False
    if not limits["physics_lo_c"] <= value <= limits["physics_hi_c"]:
        return False
    if point == unit.food:
        food.take_probe(state, value, at, limits)
        if point != unit.air:
            return False
    if at <= number(state, "at_ms", -1.0):
        return False
    state["gap_ms"] = at - number(state, "at_ms", at)
    observe(state, at, number(state, "at_ms", at))
    state["at_ms"], state["air_c"] = at, value
    if point != unit.food:
        food.take_air(state, value, at, limits)
    if "defrost_min" in limits:
        defrost.take_schedule(state, at, limits, context.zone)
        defrost.take_air(
            state,
            value,
            at,
            limits,
            step_ms=interval_ms(subject, state),
            door_open=bool(state.get("door")),
            zone=context.zone,
        )
    seldom = interval_ms(subject, state) > compressor.CYCLE_MS
    if "duty_h" in limits and not seldom and not defrost.forgives(state, at, limits):
        compressor.take_air(state, value, at, limits)
    return True


def _signal(state: State, reading: Reading, unit: Layout, context: Context) -> None:
    """Take a door, the mains, a defrost input, the compressor's power."""
    point, at, on = reading.point, reading.at_ms, reading.value >= 0.5
    if point in unit.doors:
        state["door"] = on
    elif point in unit.mains:
        state["mains_lost"] = not on
    elif point == unit.defrost and "defrost_min" in context.limits:
        defrost.take_input(state, on=on, at_ms=at, limits=context.limits)
    elif point == unit.power and "duty_h" in context.limits:
        compressor.take_power(state, reading.value, at, context.limits)
