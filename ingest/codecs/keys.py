"""Names that say what they measure: `BatV`, `TempC_SHT`, `energy_kWh`, `Vrms_a`, `AVI1_V`.

The grammar of decoded objects (LoRaWAN codecs, telemetry platforms, Sparkplug metrics): a name is
split into words; one word tells the quantity, another may tell the unit, what remains tells apart
several of one kind and becomes the channel. A unit is never guessed: `voltage` alone has none.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from caretaker.quantities import QUANTITIES, Kind
from caretaker.vocabulary import Rejected, RejectReason
from ingest.codecs import obis
from ingest.codecs.words import (
    APPARENT,
    BACKWARD,
    BATTERY,
    BATTERY_VOLTS,
    BOUNDS,
    CHINESE_CHANNELS,
    CODES,
    COOLING,
    CUMULATIVE,
    DEVICE,
    DIGITS,
    DUST,
    EXPORT,
    FUSED,
    INPUTS,
    LETTER_PHASES,
    LETTERS,
    LEVELS,
    NO_SOIL,
    NOISE,
    NOT_LIVE,
    NUMBERED,
    PHASED_UNITS,
    PHASES,
    PLACES,
    REACTIVE,
    REFINED,
    REFINED_BY_PART,
    SAME,
    SETPOINT,
    SOIL,
    STORED,
    TARIFFS,
    THERMAL,
    UNIT_PAIRS,
    UNIT_WORDS,
    WORDS,
)
from ingest.units import UnknownUnitError, factor_offset

_MAX_NAME = 128
_MAX_UNIT = 16
_BRACKET = re.compile(r"[(\[]([^()\[\]]{1,12})[)\]]\s*$")
_SPLIT = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff%]+")
_CHINESE = "|".join(
    sorted(
        {
            word
            for words in (
                *(WORDS, NOT_LIVE, NOISE, CHINESE_CHANNELS, SETPOINT, CODES, BOUNDS, LEVELS),
                *(REACTIVE, APPARENT, EXPORT, THERMAL, BATTERY, CUMULATIVE, ("燃气",)),
            )
            for word in words
            if word[0] > "\u4e00"
        },
        key=lambda word: (-len(word), word),
    )
)
_TARIFF = re.compile(r"(?<![a-z])tarif+_?(\d)(?!\d)")
_FED_IN = re.compile(r"(?<![a-z])(?:feed[ _-]?in|to[ _-]grid)(?![a-z])", re.IGNORECASE)
_GAS = {"gas", "gasmeter", "gas_meter", "gas-meter", "erdgas", "燃气", "燃气表"}
_WHOLE = {
    "kwh",
    "kw",
    "m3",
    "lux",
    "volts",
    "amps",
    "watts",
    "db",
    "decibel",
}  # names that are units
_ENDING = re.compile(r"[^0-9A-Za-z][CFL]")  # a letter set apart at the end is a unit
_DUST = re.compile(r"(?<![A-Za-z])pm[ _]?(10|2[._]?5|1)(?:[._]0)?(?![0-9])", re.IGNORECASE)
_LABEL = re.compile(r"\d+[A-Za-z]{1,2}")  # `battery_9V`: the name of a battery, no unit
_LOW_DIGITS = str.maketrans("₀₁₂₃₅", "01235")  # CO₂, PM₂.₅
_AMBIENT = {"temperature", "humidity", "co2", "soil_moisture"}  # no part of another's name
_CAMEL = re.compile(
    rf"[A-Z]{{2,}}(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+|{_CHINESE}|[\u4e00-\u9fff]|%"
)


@dataclass(frozen=True, slots=True)
class Key:
    """What a name means; an empty unit is not known."""

    quantity: str
    unit: str
    channel: str


def tokens(name: str) -> list[str]:
    """Split a name into words, keeping their case.

    >>> tokens("TempC_SHT"), tokens("temperatureCelsius"), tokens("AVI1_V")
    (['Temp', 'C', 'SHT'], ['temperature', 'Celsius'], ['AVI1', 'V'])
    >>> tokens("total_kWh"), tokens("activePowerkW"), tokens("CO2_PPM")
    (['total', 'kWh'], ['active', 'Power', 'kW'], ['CO2', 'PPM'])
    """
    found: list[str] = []
    for word in _SPLIT.split(name):
        if word in UNIT_WORDS or word.lower() in WORDS or _LABEL.fullmatch(word):
            found.append(word)
            continue
        tail = FUSED.search(word)
        found += _CAMEL.findall(word[: tail.start()] if tail else word)
        if tail:
            found.append(tail[0])
    return [word for word in found if word]


def identify(name: str, unit: str = "", *, phased: bool = False) -> Key | Rejected | None:
    """Return what a name (and its unit, where the sender gives one) means.

    None: it names no quantity that is stored. NOT_LIVE: a statistic, setting or past period.
    `phased` says that a, b and c of this name stand beside each other: then they are phases.

    >>> identify("BatV"), identify("soil_temperature", "°C").channel
    (Key(quantity='battery_voltage', unit='V', channel=''), 'soil')
    >>> identify("voltage").unit, identify("Vrms_a", "V").channel
    ('', 'a')
    >>> identify("frequency_max", "Hz").reason.value, identify("distance", "mm")
    ('not-live', None)
    >>> [identify(name).reason.value for name in ("price_kwh", "remaining_kwh", "session_energy")]
    ['not-live', 'not-live', 'not-live']
    """
    return _identify(name[:_MAX_NAME], unit[:_MAX_UNIT], phased)


@lru_cache(maxsize=8_192)
def _identify(name: str, unit: str, phased: bool) -> Key | Rejected | None:  # noqa: FBT001
    code = obis.meaning(name)
    return _of_code(name, code, unit) if code else _of_words(name, unit, phased=phased)


def of_gas(key: Key, beside: Iterable[str]) -> Key:
    """Return what a name means where a word beside it says gas: its topic, its measurement.

    >>> of_gas(Key("volume", "m3", ""), ["school", "Gas"]).quantity
    'gas_volume'
    """
    if key.quantity not in {"volume", "flow"} or _GAS.isdisjoint(map(str.lower, beside)):
        return key
    return replace(key, quantity=f"gas_{key.quantity}")


def _of_words(name: str, unit: str, *, phased: bool) -> Key | Rejected | None:
    text = name
    if bracket := _BRACKET.search(text):
        unit, text = unit or bracket[1], text[: bracket.start()]
    words = tokens(_FED_IN.sub("_feedin_", _DUST.sub(_dust, text.translate(_LOW_DIGITS))))
    unit = unit.strip(" []()")  # [°C]
    unit = SAME.get(unit.lower(), unit)
    written = bool(unit)
    if not unit:
        unit, words = _unit_of(words, phased=phased)
    lowered = [word.lower() for word in words]
    stems = [word if word in NUMBERED else DIGITS.sub("", word) for word in lowered]
    stated = written or unit not in {"C", "F", "L"} or _ENDING.fullmatch(text.strip()[-2:])
    found = _quantity(stems, unit, stated=bool(stated))
    if found is None:
        return None
    if isinstance(found, Rejected):
        return Rejected(found.reason, f"{name[:60]}: {found.detail}")
    quantity, used = found
    state = QUANTITIES[quantity].kind is Kind.STATE
    if lowered and lowered[-1] in CODES and not state:
        return None
    if (not unit and not state and set(stems) & BOUNDS - used) or (
        "volume" in quantity and set(stems) & BACKWARD
    ):
        return Rejected(RejectReason.NOT_LIVE, name[:60])
    if quantity == "temperature" and set(stems) & SETPOINT:
        quantity, used = "temperature_setpoint", used | SETPOINT
    elif (set(stems) & (NOT_LIVE | SETPOINT)) - used - (TARIFFS if quantity == "energy" else set()):
        return Rejected(RejectReason.NOT_LIVE, name[:60])
    if quantity == "energy" and set(stems) & STORED:
        return Rejected(RejectReason.NOT_LIVE, name[:60])
    return Key(quantity, unit, _channel(lowered, stems, used, quantity))


def _of_code(name: str, code: obis.Meaning, unit: str) -> Key | Rejected:
    """Return what an OBIS code says beside the unit that its sender gives.

    >>> identify("1-0:1.8.0", "Wh"), identify("1.6.0", "kW").reason.value
    (Key(quantity='energy', unit='Wh', channel=''), 'not-live')
    """
    if not code.live:
        return Rejected(RejectReason.NOT_LIVE, name)
    if unit and not _fits(code.quantity, unit):
        return Rejected(
            RejectReason.UNKNOWN_UNIT, f"{name}: {unit!r} is no unit of {code.quantity}"
        )
    return Key(code.quantity, unit, code.channel)


def _dust(found: re.Match[str]) -> str:
    """Write PM2_5, PM_10 and PM1_0 as one word.

    >>> [_DUST.sub(_dust, name) for name in ("PM2_5", "pm_10", "PM1_0", "pm25", "pm100", "3pm1")]
    ['pm25', 'pm10', 'pm1', 'pm25', 'pm100', '3pm1']
    """
    return f"pm{found[1].replace('.', '').replace('_', '')}"


def _unit_of(words: list[str], *, phased: bool) -> tuple[str, list[str]]:
    """Return the unit that a name ends with, and the words without it."""
    if len(words) > 2 and (pair := UNIT_PAIRS.get((words[-2], words[-1]))):
        return pair, words[:-2]
    for at in range(len(words) - 1, 0, -1):
        if (unit := _unit_word(words[at])) and not _letter_only(words, at, phased=phased):
            return unit, words[:at] + words[at + 1 :]
    for at in range(1, len(words)):  # TempC1, TempC2: a unit and a number in one word
        letter, digits = words[at][:1], words[at][1:]
        if letter in {"C", "F"} and digits.isdigit() and words[at - 1].lower() in WORDS:
            return letter, [*words[:at], digits, *words[at + 1 :]]
    if len(words) == 1 and words[0].lower() in _WHOLE:
        return UNIT_WORDS[words[0].lower()], words if words[0].lower() in WORDS else []
    last = words[-1] if words else ""
    if len(words) > 1 and last in LETTERS and not phased:
        quantity = _quantity([word.lower() for word in words[:-1]], "")
        if isinstance(quantity, tuple) and _fits(quantity[0], LETTERS[last]):
            return LETTERS[last], words[:-1]
    return "", words


def _letter_only(words: list[str], at: int, *, phased: bool) -> bool:
    """Return whether A, B or C tells places apart, as in `Channel_A`, and is no unit."""
    return words[at] in {"A", "B", "C"} and (phased or words[at - 1].lower() in PLACES)


def _unit_word(word: str) -> str | None:
    """Return the unit a word is; from three letters on in whatever case."""
    return UNIT_WORDS.get(word) or (UNIT_WORDS.get(word.lower()) if len(word) > 2 else None)


def _fits(quantity: str, unit: str) -> bool:
    try:
        factor_offset(quantity, unit)
    except UnknownUnitError:
        return quantity == "battery" and unit in {"V", "mV"}
    return True


def _quantity(
    words: list[str], unit: str, *, stated: bool = True
) -> tuple[str, set[str]] | Rejected | None:
    """Return the quantity and the words it took, by the words first and then by the unit.

    A letter that may be a unit or the end of a word is not `stated`: it makes no quantity.
    """
    present = set(words)
    if "factor" in present and present & {"power", "pow"}:
        return "power_factor", {"power", "pow", "factor"}
    if dust := next((word for word in words if word in DUST), ""):
        return DUST[dust], {dust, "5"}
    if "dew" in present:
        return "dew_point", {"dew", "point", "temperature"}
    if present & BATTERY:
        return _battery(present, unit)
    named = [(WORDS[word], word) for word in words if word in WORDS]
    if not named and not unit:
        return ("current", {"current"}) if "current" in present else None
    if not unit:
        named = named[-1:]
    for kind, word in reversed(named):
        exact = _refined(kind, present, unit)
        if exact and (not unit or _fits(exact, unit)):
            return exact, {word} | _words_of(exact, present)
    by_unit = _by_unit(present, unit) if unit and stated else None
    kinds = {kind for kind, _ in named}
    if by_unit and (kinds & _AMBIENT or {by_unit[0], *kinds} >= {"power", "energy"}):
        # Gateways that label a kWh register "kW" exist, and codecs that copied the unit of the line
        # above: which of the two is wrong is not known.
        return Rejected(RejectReason.UNKNOWN_UNIT, f"{unit!r} is no unit of {named[-1][0]}")
    return by_unit


def _battery(present: set[str], unit: str) -> tuple[str, set[str]] | None:
    used = BATTERY | {"voltage", "volt", "电量"}
    if not unit and "good" in present:
        return None
    if not unit and "low" in present and not present & BATTERY_VOLTS:
        return "battery_low", used | {"low"}
    if (unit and _fits("battery_voltage", unit)) or (not unit and present & BATTERY_VOLTS):
        return "battery_voltage", used
    return ("battery", used) if not unit or _fits("battery", unit) else None


def _refined(kind: str, present: set[str], unit: str) -> str | None:
    """Refine a quantity by the words beside it: reactive, exported, thermal, gas, soil."""
    if kind in {"energy", "power"}:
        return _electric(kind, present, unit)
    if kind in {"volume", "flow"}:
        if present & SOIL:
            return "soil_moisture"
        if present & LEVELS:
            return None
        if kind == "flow" and not unit and present & CUMULATIVE:
            kind = "volume"
        other = "volume" if kind == "flow" else "flow"
        kind = other if unit and not _fits(kind, unit) else kind
        if present & THERMAL:
            return f"heat_{kind}"
        return f"gas_{kind}" if present & {"gas", "燃气", "气量"} else kind
    if kind == "humidity" and present & SOIL:
        return "soil_moisture"
    if kind == "soil_moisture" and not present & SOIL:
        return kind if unit == "%" and not present & NO_SOIL else None
    if kind == "relay" and present & INPUTS:
        return None
    return "device_temperature" if kind == "temperature" and present & DEVICE else kind


def _electric(kind: str, present: set[str], unit: str) -> str | None:
    """Refine energy and power: by the unit kWh, kvarh, kW, kvar or kVA, and by the words."""
    if kind == "power" and unit and _fits("energy", unit):
        kind = "energy"  # `power_consumption` in Wh
    if present & REACTIVE or (unit and _fits(f"reactive_{kind}", unit)):
        exported = kind == "energy" and present & EXPORT
        return "reactive_energy_export" if exported else f"reactive_{kind}"
    if present & APPARENT or (unit and _fits(f"apparent_{kind}", unit)):
        return f"apparent_{kind}"
    if kind == "energy" and present & COOLING and not present & {"heat", "heating"}:
        return "cooling_energy"
    if present & THERMAL:
        return f"heat_{kind}"
    return "energy_export" if kind == "energy" and present & EXPORT else kind


def _by_unit(present: set[str], unit: str) -> tuple[str, set[str]] | None:
    """Return the quantity of a name without a quantity word, where its unit leaves one only."""
    for kind in ("energy", "reactive_energy", "apparent_energy", "power", "reactive_power"):
        if _fits(kind, unit) or (kind == "power" and _fits("apparent_power", unit)):
            base = kind.rpartition("_")[2]
            exact = _refined(base, present, unit)
            return (exact, _words_of(exact, present)) if exact else None
    for kind in ("volume", "flow", "voltage", "current", "frequency", "temperature", "illuminance"):
        if _fits(kind, unit):
            exact = _refined(kind, present, unit)
            used = {"current"} if kind == "current" else set[str]()
            return (exact, used | _words_of(exact, present)) if exact else None
    return None


def _words_of(quantity: str, present: set[str]) -> set[str]:
    """Return the words that refined a quantity, so that they make no channel."""
    used = set(REFINED.get(quantity, ()))
    for part, words in REFINED_BY_PART.items():
        if part in quantity:
            used |= words
    return used & present


def _channel(lowered: list[str], stems: list[str], used: set[str], quantity: str) -> str:
    """Return what tells this one apart from others of its quantity."""
    rest: list[str] = []
    first = lowered[0] if len(lowered) > 1 and lowered[0] == "sensor" else ""
    rest += [first] if first else []  # the temperature of the sensor, no sensor of temperature
    for word, stem in zip(lowered, stems, strict=True):
        digits = word[len(stem) :]
        if (stem in used or word in used) and word not in CHINESE_CHANNELS:
            rest += [digits] if digits else []
        elif word in LETTER_PHASES and quantity in {"voltage", "current"}:
            rest.append(LETTER_PHASES[word])
        elif word in PHASES and QUANTITIES[quantity].unit in PHASED_UNITS:
            rest.append(PHASES[word])
        elif word in CHINESE_CHANNELS:
            rest.append(CHINESE_CHANNELS[word])
        elif stem in NOISE:
            rest += [digits] if digits else []
        else:
            rest.append(word)
    if quantity == "voltage" and len(rest) == 2 and rest[0] in "abc" and rest[1] == "neutral":
        rest = rest[:1]  # L1N is phase L1 to neutral
    return _TARIFF.sub(r"t\1", "_".join(rest))[:64]
