"""The tables of the inspector pack as rows, the first being the heads; both outputs write them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from alerting.texts import SEVERITY, render
from caretaker.clock import MINUTE_MS
from reports.pack import Pack, Unit
from reports.texts import KINDS, PARAMETERS, ROLES, SAID, STATES, WORDS
from storage.unit_records import RecordKind

Row = Sequence[object]


def summary_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield one row a unit: what an inspector reads first."""
    words = WORDS[lang]
    yield (
        words["unit"],
        words["kind"],
        words["place"],
        words["reading_count"],
        f"{words['monitored']} [%]",
        f"{words['compliant']} [%]",
        words["excursions"],
        f"{words['longest']} [min]",
        f"{words['highest_air']} [°C]",
        f"{words['highest_food']} [°C]",
        f"{words['response']} [min]",
        words["open_actions"],
    )
    for unit in pack.units:
        spans = [
            ((item.recovered_ms or item.closed_ms or pack.end_ms) - item.since_ms) / MINUTE_MS
            for item in unit.incidents
        ]
        answers = [
            (item.acknowledged_ms - item.opened_ms) / MINUTE_MS
            for item in unit.incidents
            if item.acknowledged_ms is not None
        ]
        yield (
            name_of(unit),
            ROLES[lang].get(unit.device.role.value, unit.device.role.value),
            " ".join(part for part in (unit.device.building, unit.device.area) if part),
            unit.readings,
            _share(unit.monitored_share),
            _share(unit.compliant_share),
            len(unit.incidents),
            round(max(spans)) if spans else None,
            _highest([day.air_high for day in unit.days]),
            _highest([day.food_high for day in unit.days]),
            round(sum(answers) / len(answers), 1) if answers else None,
            sum(action.record.closed_ms is None for action in unit.actions),
        )


def limit_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield the numbers that were applied, with what stands behind each."""
    words = WORDS[lang]
    yield words["unit"], words["parameter"], words["value"], words["evidence"], words["set_by"]
    for unit in pack.units:
        for name, number in unit.parameters:
            yield (
                name_of(unit),
                PARAMETERS[lang].get(name, name),
                f"{number.value:g} {number.unit.replace('degC', '°C')}",
                f"[{number.mark.value}] {number.source}".strip(),
                f"{number.author}: {number.reason}" if number.author else "",
            )


def day_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield one row a unit and day."""
    words = WORDS[lang]
    yield (
        words["unit"],
        words["day"],
        *(f"{words[key]} [°C]" for key in ("air_low", "air_mean", "air_high", "food_high", "mkt")),
        f"{words['outside_min']} [min]",
        f"{words['unmonitored_min']} [min]",
    )
    for unit in pack.units:
        for day in unit.days:
            yield (
                name_of(unit),
                local(pack, day.start_ms)[:10],
                *(
                    None if value is None else round(value, 1)
                    for value in (
                        day.air_low, day.air_mean, day.air_high, day.food_high, day.mkt_c,
                    )
                ),
                round(max(0.0, day.monitored_min - day.compliant_min)),
                round(day.required_min - day.monitored_min),
            )  # fmt: skip


def gap_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield the spans without a reading."""
    words = WORDS[lang]
    yield words["unit"], words["begin"], words["end"], words["minutes"]
    for unit in pack.units:
        for gap in unit.gaps:
            yield (
                name_of(unit),
                local(pack, gap.start_ms),
                local(pack, gap.end_ms),
                round(gap.minutes),
            )


def incident_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield every incident with its response times [min after it opened]."""
    words = WORDS[lang]
    yield (
        words["unit"],
        words["what"],
        words["severity"],
        words["begin"],
        f"{words['acknowledged']} [min]",
        words["by"],
        f"{words['recovered']} [min]",
        words["state"],
    )
    for unit in pack.units:
        for item in unit.incidents:
            title, _ = render(
                lang=lang,
                rule=item.rule,
                kind="opened",
                device=name_of(unit),
                since_ms=item.since_ms,
                zone=pack.site.zone,
                evidence=_worst(item.evidence),
            )
            yield (
                name_of(unit),
                title,
                SEVERITY[lang][item.severity.value],
                local(pack, item.since_ms),
                _after(item.acknowledged_ms, item.opened_ms),
                item.acknowledged_by,
                _after(item.recovered_ms, item.opened_ms),
                STATES[lang].get(item.state, item.state),
            )


def action_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield every corrective action, and below it each change with author and reason."""
    words = WORDS[lang]
    yield (
        words["unit"], words["begin"], words["cause"], words["contents"], words["immediate"],
        words["cores"], words["dispositions"], words["person"], words["verifier"], words["closed"],
        words["amended"],
    )  # fmt: skip
    for unit in pack.units:
        for action in unit.actions:
            held = action.record.content
            closed = action.record.closed_ms
            yield (
                name_of(unit),
                local(pack, action.record.start_ms),
                *(
                    said(held.get(key), lang=lang)
                    for key in (
                        "cause", "contents", "immediate_action", "core_temperatures",
                        "dispositions", "person", "verifier",
                    )
                ),
                local(pack, closed) if closed else words["still_open"],
                " / ".join(
                    f"{local(pack, change.at_ms)} {change.actor}: {change.reason}"
                    for change in action.amendments
                ),
            )  # fmt: skip


def entry_rows(pack: Pack, *, lang: str) -> Iterator[Row]:
    """Yield what people recorded of the units: probes, calibrations, states, dispositions."""
    words = WORDS[lang]
    yield (
        words["unit"], words["kind"], words["begin"], words["end"], words["value"],
        words["author"], words["note"],
    )  # fmt: skip
    for unit in pack.units:
        for entry in unit.entries:
            unitless = entry.value is None
            degree = "K" if entry.kind is RecordKind.CALIBRATION else "°C"
            yield (
                name_of(unit),
                KINDS[lang].get(entry.kind.value, entry.kind.value),
                local(pack, entry.at_ms),
                local(pack, entry.until_ms) if entry.until_ms else "",
                "" if unitless else f"{entry.value:g} {degree}",
                entry.author,
                "; ".join(
                    part for part in (entry.note, said(entry.detail or None, lang=lang)) if part
                ),
            )


def name_of(unit: Unit) -> str:
    """Return what people call a unit."""
    return unit.device.name or unit.device.key


def local(pack: Pack, at_ms: int) -> str:
    """Return an instant in the site's zone, to the minute."""
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(pack.site.zone)
    return f"{moment:%Y-%m-%d %H:%M}"


def said(value: object, *, lang: str) -> str:
    """Return a field of a record as a person reads it.

    >>> said([{"batch": "B1", "kg": 2}, {"batch": "B2"}], lang="en"), said(None, lang="en")
    ('batch B1, kg 2; batch B2', '')
    >>> said("door", lang="zh-CN")
    '柜门'
    """
    words = SAID[lang]
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{words.get(str(key), key)} {said(part, lang=lang)}"
            for key, part in value.items()
            if part is not None
        )
    if isinstance(value, list | tuple):
        return "; ".join(said(part, lang=lang) for part in value)
    if isinstance(value, str):
        return words.get(value, value)
    return json.dumps(value, ensure_ascii=False)


def _share(value: float) -> float:
    # 99.996 % is not 100: rounded down, so that a missing minute shows.
    return int(value * 10_000) / 100


def _highest(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(max(known), 1) if known else None


def _after(at_ms: int | None, since_ms: int) -> float | None:
    return None if at_ms is None else round(max(0, at_ms - since_ms) / MINUTE_MS, 1)


def _worst(evidence: Mapping[str, object]) -> Mapping[str, object]:
    """Return the figures of an incident as it was at its worst, not as it stands now."""
    return {**evidence, "air_c": evidence["peak_c"]} if "peak_c" in evidence else evidence
