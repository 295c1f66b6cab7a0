"""A unit that holds food at one glance, from the states of its rules and what people recorded."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from alerting.cold.layout import layout
from alerting.cold.mean_kinetic import mean_kinetic_c
from alerting.late import load_readings
from alerting.parameters import numbers
from alerting.port import Subject
from alerting.roster import subjects_of
from alerting.rules.device_silent import unmonitored_min, usual_silence_ms
from api.schemas import cold as schemas
from caretaker.clock import DAY_MS, HOUR_MS, MINUTE_MS
from caretaker.config import SiteSettings
from caretaker.vocabulary import DeviceRole
from storage import devices as device_records
from storage import haccp, incidents, unit_records
from storage.unit_records import RecordKind, UnitRecord

_TAPS = ("receiving", "cleaning", "decommissioned", "probe", "disposition", "calibration")
_TODO = {
    "food_hold": ("hold_food", "measure_core", "decide_food"),
    "hot_holding_low": ("reheat", "check_heater"),
    "cold_power_cut": ("keep_shut", "restore_power", "measure_food"),
    "cold_door_open": ("close_door",),
    "device_silent": ("measure_food", "check_sensor"),
    "sensor_stuck": ("measure_food", "check_sensor"),
    "sensor_implausible": ("measure_food", "check_sensor"),
    "cold_storage_cold": ("set_warmer",),
    "cold_warning": ("look_now",),
    "compressor_duty": ("order_service",),
    "defrost_drift": ("order_service",),
    "slow_pull_down": ("order_service",),
    "planned_outage": ("prepare_outage",),
    "battery_low": ("change_battery",),
    "calibration_due": ("calibrate",),
}
_WARM = {
    "critical": ("close_door", "move_food", "measure_core", "decide_food"),
    "alarm": ("close_door", "check_compressor", "move_food"),
    "notice": ("close_door",),
}


def record_out(record: UnitRecord) -> schemas.Record:
    """Return a record as the API shows it."""
    return schemas.Record(
        id=record.id,
        device=record.device,
        kind=record.kind.value,
        at_ms=record.at_ms,
        until_ms=record.until_ms,
        value=record.value,
        author=record.author,
        note=record.note,
        detail=dict(record.detail),
    )


def units(
    connection: sqlite3.Connection, *, site: SiteSettings, now_ms: int, device: int | None = None
) -> list[schemas.UnitNow]:
    """Return every unit that holds food, or the one asked for."""
    return [
        _unit(connection, subject, site=site, now_ms=now_ms)
        for subject in subjects_of(connection)
        if subject.device.role.holds_food and device in (None, subject.device.id)
    ]


def _states(connection: sqlite3.Connection, device: int) -> dict[str, dict[str, Any]]:
    rows = connection.execute("SELECT rule, state FROM rule_state WHERE device = ?", (device,))
    found = {rule: json.loads(state) for rule, state in rows}
    return {rule: state for rule, state in found.items() if isinstance(state, dict)}


def _unit(
    connection: sqlite3.Connection, subject: Subject, *, site: SiteSettings, now_ms: int
) -> schemas.UnitNow:
    device = subject.device
    limits = {k: v.value for k, v in numbers(site, device).items()}
    states = _states(connection, device.id)
    unit, door = states.get("cold_unit", {}), states.get("cold_door_open", {})
    heated = device.role is DeviceRole.HOT_HOLDING
    records = unit_records.listing(connection, device=device.id, since_ms=now_ms - 7 * DAY_MS)
    standing = [r for r in records if r.kind in unit_records.STATES and r.holds(now_ms)]
    opened = [
        item
        for item in incidents.listing(connection, state="open", limit=1000)
        if item.device == device.id
    ]
    actions = haccp.listing(connection, device=device.id, open_only=True)
    exposure = states.get("food_hold", {}).get("exposure_ms", 0.0) / MINUTE_MS
    at_ms = unit.get("at_ms")
    silent = at_ms is None or now_ms - at_ms > usual_silence_ms(device)
    parts = layout(subject)
    probed = parts.food and now_ms - unit.get("probe_ms", 0) <= HOUR_MS
    return schemas.UnitNow(
        device=device.id,
        name=device.name or device.key,
        role=device.role.value,
        state=_state(opened, standing, silent=silent),
        air_c=_rounded(unit.get("air_c")),
        food_c=_rounded(unit.get("food_c")),
        food_measured=bool(probed),
        at_ms=at_ms,
        limit_low_c=limits.get("hot_lo_c") if heated else limits.get("limit_lo_c"),
        limit_high_c=None if heated else limits.get("limit_hi_c"),
        exposure_min=round(exposure, 1),
        decision_min=limits["decision_min"],
        left_min=round(max(0.0, limits["decision_min"] - exposure), 1),
        mean_kinetic_24h_c=_mean_kinetic(connection, parts.air, now_ms),
        unmonitored_min=_unmonitored(states, records, limits, now_ms),
        defrost=_defrosting(unit, limits, now_ms),
        door_open=bool(unit.get("door")) if parts.doors else None,
        openings_hour=int(door.get("openings", 0)) if parts.doors else None,
        open_min_hour=round(door.get("open_ms", 0) / MINUTE_MS, 1) if parts.doors else None,
        power_lost_ms=states.get("cold_power_cut", {}).get("lost_ms"),
        duty=_rounded(unit.get("duty"), 3),
        todo=_todo(opened, shut=bool(parts.doors) and not unit.get("door")),
        taps=_allowed(standing),
        incidents=[item.id for item in opened],
        actions=[action.id for action in actions],
        standing=[record_out(record) for record in standing],
    )


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def _defrosting(unit: Mapping[str, Any], limits: Mapping[str, float], now_ms: int) -> bool:
    began = unit.get("defrost_ms")
    return began is not None and now_ms - began <= limits["defrost_min"] * MINUTE_MS


def _state(
    opened: Sequence[incidents.Incident], standing: Sequence[UnitRecord], *, silent: bool
) -> str:
    """Return the worst that is to be said of a unit in one word."""
    if any(record.kind is RecordKind.DECOMMISSIONED for record in standing):
        return "decommissioned"
    if any(item.rule == "food_hold" for item in opened):
        return "hold"
    firing = [item for item in opened if item.state not in ("recovering", "resolved")]
    for severity in ("critical", "alarm"):
        if any(item.severity == severity for item in firing):
            return severity
    if silent:
        return "silent"
    return "notice" if firing else "ok"


def _todo(opened: Sequence[incidents.Incident], *, shut: bool = False) -> list[str]:
    """Return what to do now, the most urgent first, each once; a door known as shut is let be."""
    order = {"critical": 0, "alarm": 1, "notice": 2}
    found: list[str] = []
    for item in sorted(opened, key=lambda i: (order[i.severity], i.rule != "food_hold")):
        if item.state in ("recovering", "resolved") and item.rule != "food_hold":
            continue
        steps = _TODO.get(item.rule, ())
        if item.rule == "cold_warning" and any(i.rule == "cold_storage_warm" for i in opened):
            continue  # it has come true
        if item.rule == "cold_storage_warm":
            steps = _WARM[item.severity]
        if shut:
            steps = tuple("check_compressor" if step == "close_door" else step for step in steps)
        found += [step for step in steps if step not in found]
    return found


def _allowed(standing: Sequence[UnitRecord]) -> list[str]:
    kinds = {record.kind for record in standing}
    if RecordKind.DECOMMISSIONED in kinds:
        return ["resume", "calibration"]
    taps = [tap for tap in _TAPS if tap not in kinds]
    return [*(f"end_{kind.value}" for kind in sorted(kinds)), *taps]


def _mean_kinetic(connection: sqlite3.Connection, air: int, now_ms: int) -> float | None:
    if not air:
        return None
    readings = load_readings(connection, [air], start_ms=now_ms - DAY_MS, end_ms=now_ms + 1)
    if not readings:
        return None
    values = [reading.value for reading in readings]
    return round(mean_kinetic_c(values, [1.0] * len(values)), 2)


def _unmonitored(
    states: Mapping[str, Mapping[str, Any]],
    records: Sequence[UnitRecord],
    limits: Mapping[str, float],
    now_ms: int,
) -> float:
    """Return the minutes of the last week without data that no manual probe fills."""
    silent = states.get("device_silent", {})
    gaps = [gap for gap in silent.get("gaps", ()) if gap[1] > now_ms - 7 * DAY_MS]
    if silent.get("bad") and silent.get("last_ms"):
        gaps.append([silent["last_ms"], now_ms])
    probes = [record.at_ms for record in records if record.kind is RecordKind.PROBE]
    return round(unmonitored_min(gaps, probes, spacing_h=limits["probe_spacing_h"]), 1)


def detail(
    connection: sqlite3.Connection, device: int, *, site: SiteSettings, now_ms: int
) -> schemas.UnitDetail | None:
    """Return a unit with everything recorded of it in the last 90 days, or None."""
    found = units(connection, site=site, now_ms=now_ms, device=device)
    known = device_records.find(connection, device)
    if not found or known is None:
        return None
    since_ms = now_ms - 90 * DAY_MS
    records = unit_records.listing(connection, device=device, since_ms=since_ms)
    return schemas.UnitDetail(
        now=found[0],
        numbers=[
            schemas.RuleNumber(
                name=name,
                value=item.value,
                unit=item.unit,
                mark=item.mark.value,
                source=item.source,
                valid_from=item.valid_from.isoformat(),
                author=item.author,
                reason=item.reason,
            )
            for name, item in sorted(numbers(site, known).items())
        ],
        records=[record_out(record) for record in records[::-1]],
        actions=[
            action_out(connection, action)
            for action in haccp.listing(connection, device=device, start_ms=since_ms, limit=100)
        ],
    )


def action_out(connection: sqlite3.Connection, action: haccp.CorrectiveAction) -> schemas.Action:
    """Return a corrective action with its amendments and what it still lacks."""
    device = device_records.find(connection, action.device)
    wanted = ("cause", "immediate_action", "core_temperatures", "dispositions", "person",
              "verifier", "prevention")  # fmt: skip
    return schemas.Action(
        id=action.id,
        device=action.device,
        device_name=(device.name or device.key) if device else "?",
        incident=action.incident,
        source=action.source,
        start_ms=action.start_ms,
        end_ms=action.end_ms,
        closed_ms=action.closed_ms,
        content=dict(action.content),
        missing=[name for name in wanted if not action.content.get(name)],
        amendments=[
            schemas.AmendmentOut(
                at_ms=item.at_ms, actor=item.actor, reason=item.reason, changes=dict(item.changes)
            )
            for item in haccp.amendments(connection, action.id)
        ],
    )
