"""The words that names of values are made of: units, quantities, and what refines them."""

import re

# Units as whole words of a name, case as written; lower-case one-letter words come further down.
UNIT_WORDS = {
    **{word: word for word in ("kWh", "Wh", "MWh", "GWh", "kW", "W", "kVA", "VA", "kvar", "kVar")},
    **{word: word for word in ("kvarh", "kVarh", "V", "mV", "kV", "A", "mA", "Hz", "m3", "L")},
    **{
        word: word
        for word in ("hPa", "kPa", "Pa", "mbar", "ppm", "lx", "lux", "C", "F", "GJ", "MJ")
    },
    **{word.lower(): word for word in ("kWh", "Wh", "kW", "kVA", "kvar", "kvarh", "mV", "mA")},
    **{word.lower(): word for word in ("hPa", "kPa", "Hz", "GJ", "Lux")},
    **dict.fromkeys(("celsius", "degc", "Celsius"), "C"),
    **dict.fromkeys(("fahrenheit", "degf", "Fahrenheit"), "F"),
    **dict.fromkeys(("volts", "Volts"), "V"),
    **dict.fromkeys(("amps", "Amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("watts", "Watts", "watt"), "W"),
    **dict.fromkeys(("litres", "liters", "litre", "liter", "Litres", "Liters"), "L"),
    **dict.fromkeys(("percent", "pct", "Percent", "Pct", "percentage"), "%"),
    **dict.fromkeys(("lph",), "L/h"),
    **dict.fromkeys(("m3h", "cmh"), "m3/h"),
    "%": "%",
}
UNIT_PAIRS = {
    ("m3", "h"): "m3/h",
    ("l", "h"): "L/h",
    ("l", "min"): "L/min",
    ("l", "s"): "L/s",
    ("L", "h"): "L/h",
    ("L", "min"): "L/min",
}
NUMBERED = {"co2", "pm25", "pm2", "pm10", "pm1"}
DIGITS = re.compile(r"(?<=[a-z])\d+$")
SAME = {
    "cel": "C",
    "deg c": "C",
    "%rh": "%",
    "% rh": "%",
    "rh": "%",
    "volt": "V",
    "volts": "V",
    "amp": "A",
    "amps": "A",
    "ampere": "A",
    "watt": "W",
    "watts": "W",
    "litre": "L",
    "liter": "L",
    "m³⋅m⁻³": "m3/m3",
}
LETTERS = {"c": "C", "f": "F", "v": "V", "a": "A", "w": "W", "l": "L"}
FUSED = re.compile(r"(?<=[a-z0-9])(kWh|kW|mV|mA|kVA|kPa|hPa|Wh)$")

PHASES = {"a": "a", "b": "b", "c": "c", "l1": "a", "l2": "b", "l3": "c", "phasea": "a"}
PHASES |= {"phaseb": "b", "phasec": "c", "r": "a", "s": "b", "t": "c", "n": "neutral"}
PHASED_UNITS = {"kWh", "kvarh", "kVAh", "kW", "kvar", "kVA", "V", "A", "Hz", "1"}
LETTER_PHASES = {f"{kind}{phase}": phase for kind in "uvi" for phase in "abcn"}

WORDS: dict[str, str] = {
    **dict.fromkeys(("temperature", "temp", "temperatur", "temprature", "温度"), "temperature"),
    **dict.fromkeys(("humidity", "hum", "humi", "humid", "rh", "湿度"), "humidity"),
    **dict.fromkeys(("pressure", "pres", "barometer", "barometric", "气压"), "pressure"),
    **dict.fromkeys(("co2", "carbondioxide"), "co2"),
    **dict.fromkeys(
        ("illuminance", "illumination", "lux", "照度", "light", "luminosity"), "illuminance"
    ),
    **dict.fromkeys(("battery", "batt", "bat", "vbat", "电池"), "battery"),
    **dict.fromkeys(("energy", "consumption", "electricity", "电能", "电量", "电度"), "energy"),
    **dict.fromkeys(("power", "watt", "watts", "功率"), "power"),
    **dict.fromkeys(("voltage", "volt", "volts", "vrms", "avi", "电压"), "voltage"),
    **dict.fromkeys(("amps", "ampere", "amperage", "irms", "aci", "curr", "电流"), "current"),
    **dict.fromkeys(("frequency", "freq", "频率"), "frequency"),
    **dict.fromkeys(("volume", "water", "水量"), "volume"),
    **dict.fromkeys(("flow", "flowrate", "流量"), "flow"),
    **dict.fromkeys(("pf", "cosphi", "功率因数"), "power_factor"),
    **dict.fromkeys(("leak", "leakage", "waterleak"), "leak"),
    **dict.fromkeys(("tvoc", "voc"), "voc"),
    **dict.fromkeys(("hcho", "formaldehyde", "甲醛"), "formaldehyde"),
    **dict.fromkeys(("moisture",), "soil_moisture"),
    **dict.fromkeys(("noise", "sound", "leq", "laeq"), "sound_level"),
    **dict.fromkeys(("smoke",), "smoke"),
    **dict.fromkeys(("tamper",), "tamper"),
    **dict.fromkeys(("door", "magnet"), "door"),
    **dict.fromkeys(("occupied", "occupancy", "motion", "pir"), "occupancy"),
    **dict.fromkeys(("relay", "socket"), "relay"),
}
DUST = {"pm25": "pm2_5", "pm2": "pm2_5", "pm10": "pm10", "pm1": "pm1"}
DEVICE = {"internal", "device", "board", "chip", "mcu", "cpu", "module"}
THERMAL = {"heat", "heating", "cooling", "thermal", "热"}
EXPORT = {"export", "exported", "reverse", "negative", "return", "returned", "ret", "反向"}
EXPORT |= {"production", "produced", "feedin"}
BATTERY = {"battery", "batt", "bat", "vbat", "vdd", "capacitor", "supercap", "电池"}
BATTERY_VOLTS = {"voltage", "volt", "volts", "vdd", "vbat"}
REACTIVE = {"reactive", "无功"}
APPARENT = {"apparent", "视在"}
SETPOINT = {"target", "setpoint", "set", "setting", "desired"}
# Words of statistics, past periods and settings: such a value is none of now.
NOT_LIVE = {"min", "max", "minimum", "maximum", "average", "avg", "mean", "today", "yesterday"}
NOT_LIVE |= {"daily", "day", "week", "month", "monthly", "year", "previous", "prev", "history"}
NOT_LIVE |= {
    "historical",
    "alarm",
    "threshold",
    "limit",
    "delta",
    "first",
    "calibration",
    "offset",
}
NOT_LIVE |= {
    "config",
    "configuration",
    "peak",
    "vpeak",
    "diff",
    "difference",
    "predicted",
    "rated",
    "sag",
    "swell",
    "ratio",
    "nominal",
}
NOT_LIVE |= {"over", "alert", "highest", "lowest", "adjust", "unit", "units", "interval", "count"}
TARIFFS = {"peak"}
NOISE = {
    "chn",
    "total",
    "sum",
    "sensor",
    "value",
    "active",
    "positive",
    "forward",
    "import",
    "imported",
}
NOISE |= {
    "abc",
    "status",
    "state",
    "level",
    "relative",
    "current",
    "reading",
    "measurement",
    "all",
}
NOISE |= {"main", "ch", "channel", "cumulative", "totalizer", "totaliser", "phase", "rms"}
NOISE |= {
    "factor",
    "last",
    "now",
    "instant",
    "instantaneous",
    "meter",
    "有功",
    "正向",
    "总",
    "当前",
}
NOISE |= {
    "rate",
    "point",
    "相",
    "of",
    "the",
    "life",
    "percentage",
    "remaining",
    "concentration",
    "accumulated",
    "present",
}

# Words that refined a quantity, by its name and by a part of its name.
REFINED = {
    "leak": {"water"},
    "flow": {"water"},
    "volume": {"water"},
    "energy": {"power", "功率"},
    "heat_energy": {"power", "功率"},
    "door": {"open", "opened", "contact"},
    "soil_moisture": {"soil"},
    "device_temperature": DEVICE,
}
REFINED_BY_PART = {
    "reactive": REACTIVE,
    "apparent": APPARENT,
    "heat": THERMAL,
    "gas": {"gas"},
    "_export": EXPORT,
}

# What a part is about that holds faults, settings and counts of events, no values of now.
NOT_LIVE |= {"failure", "fault", "error", "enable", "enabled", "disabled", "warning", "duration"}
NOT_LIVE |= {"sequence", "timer", "delay", "hysteresis", "mode", "type", "rating", "raw", "tx"}
NOT_LIVE |= {"ticks", "counter", "cnt", "text", "numeric"}
