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
    **{word: word for word in ("kVAh", "VAh", "VAr", "VArh", "varh", "kVAr", "kVArh", "ppb")},
    **dict.fromkeys(("celsius", "degc", "Celsius"), "C"),
    **dict.fromkeys(("fahrenheit", "degf", "Fahrenheit"), "F"),
    **dict.fromkeys(("volts", "Volts", "VAC", "Vac", "VDC", "Vdc"), "V"),
    "VAR": "VAr",
    **dict.fromkeys(("amps", "Amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("watts", "Watts", "watt"), "W"),
    **dict.fromkeys(("litres", "liters", "litre", "liter", "Litres", "Liters"), "L"),
    **dict.fromkeys(("percent", "pct", "Percent", "Pct", "percentage", "perc"), "%"),
    **dict.fromkeys(("lph",), "L/h"),
    **dict.fromkeys(("lpm",), "L/min"),
    **dict.fromkeys(("db", "dB", "dba", "dBA", "decibel", "decibels"), "dB"),
    "ugm3": "ug/m3",
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
LETTERS = {
    "c": "C",
    "f": "F",
    "v": "V",
    "a": "A",
    "w": "W",
    "l": "L",
    "pa": "Pa",
    "va": "VA",
    "var": "var",
}
FUSED = re.compile(r"(?<=[a-z0-9])(kWh|kW|mV|mA|kVA|kPa|hPa|Wh)$")

PHASES = {"a": "a", "b": "b", "c": "c", "l1": "a", "l2": "b", "l3": "c", "phasea": "a"}
PHASES |= {"l1n": "a", "l2n": "b", "l3n": "c"}
PHASES |= {"phaseb": "b", "phasec": "c", "r": "a", "s": "b", "t": "c", "n": "neutral"}
PHASED_UNITS = {"kWh", "kvarh", "kVAh", "kW", "kvar", "kVA", "V", "A", "Hz", "1"}
LETTER_PHASES = {f"{kind}{phase}": phase for kind in "uvi" for phase in "abcn"}

WORDS: dict[str, str] = {
    **dict.fromkeys(("temperature", "temp", "tem", "temperatur", "temprature"), "temperature"),
    **dict.fromkeys(("温度", "水温", "气温", "室温"), "temperature"),
    **dict.fromkeys(("humidity", "hum", "humi", "humid", "rh", "rhum", "湿度"), "humidity"),
    **dict.fromkeys(("pressure", "pres", "barometer", "barometric"), "pressure"),
    **dict.fromkeys(("气压", "压力", "水压"), "pressure"),
    **dict.fromkeys(("co2", "carbondioxide", "二氧化碳"), "co2"),
    **dict.fromkeys(
        ("illuminance", "illumination", "lux", "照度", "光照", "light", "luminosity"), "illuminance"
    ),
    **dict.fromkeys(("battery", "batt", "bat", "vbat", "电池"), "battery"),
    **dict.fromkeys(("energy", "consumption", "electricity"), "energy"),
    **dict.fromkeys(("电能", "电量", "电度", "热量", "冷量"), "energy"),
    **dict.fromkeys(("power", "pow", "watt", "watts", "功率"), "power"),
    **dict.fromkeys(("voltage", "volt", "volts", "vrms", "avi", "电压"), "voltage"),
    **dict.fromkeys(("amps", "ampere", "amperage", "irms", "aci", "curr", "电流"), "current"),
    **dict.fromkeys(("frequency", "freq", "频率"), "frequency"),
    **dict.fromkeys(("volume", "water", "水量", "气量"), "volume"),
    **dict.fromkeys(("flow", "flowrate", "流量", "流速"), "flow"),
    **dict.fromkeys(("pf", "cosphi", "功率因数"), "power_factor"),
    **dict.fromkeys(("leak", "leakage", "waterleak", "漏水", "水浸"), "leak"),
    **dict.fromkeys(("tvoc", "voc"), "voc"),
    **dict.fromkeys(("hcho", "formaldehyde", "formaldehydes", "甲醛"), "formaldehyde"),
    **dict.fromkeys(("moisture", "vwc"), "soil_moisture"),
    **dict.fromkeys(("noise", "sound", "leq", "laeq", "laf", "噪声", "噪音"), "sound_level"),
    **dict.fromkeys(("decibel", "decibels"), "sound_level"),
    **dict.fromkeys(("smoke", "烟雾"), "smoke"),
    **dict.fromkeys(("tamper",), "tamper"),
    **dict.fromkeys(("door", "magnet", "门磁"), "door"),
    **dict.fromkeys(("occupied", "occupancy", "motion", "pir"), "occupancy"),
    **dict.fromkeys(("relay", "socket", "switch"), "relay"),
}
DUST = {"pm25": "pm2_5", "pm2": "pm2_5", "pm10": "pm10", "pm1": "pm1"}
DEVICE = {"internal", "device", "board", "chip", "mcu", "cpu", "module"}
THERMAL = {"heat", "heating", "cooling", "thermal", "热", "热量", "冷量"}
COOLING = {"cooling", "冷量"}
# After these a letter tells which one of several.
PLACES = {"channel", "ch", "phase", "line", "group", "zone", "sensor", "port", "input", "output"}
PLACES |= {"relay", "socket", "probe", "room", "block", "building", "class", "type", "point"}
# A switch of these is an input: what it says is told by the word beside it.
INPUTS = {"door", "reed", "magnet", "contact", "limit", "float", "flow", "leak", "tamper", "window"}
# What is moist and no soil.
NO_SOIL = {"leaf", "wood", "air", "grain", "hay"}
SOIL = {"soil", "soild", "vwc", "volumetric", "土壤"}
CUMULATIVE = {"累计", "累积", "cumulative", "total", "totalizer", "totaliser", "accumulated"}
EXPORT = {"export", "exported", "reverse", "negative", "return", "returned", "ret", "反向"}
EXPORT |= {"production", "produced", "feedin", "injected", "injection", "einspeisung"}
BATTERY = {"battery", "batt", "bat", "vbat", "vdd", "capacitor", "supercap", "电池"}
BATTERY_VOLTS = {"voltage", "volt", "volts", "vdd", "vbat"}
REACTIVE = {"reactive", "react", "无功"}
APPARENT = {"apparent", "视在"}
SETPOINT = {"target", "setpoint", "set", "setting", "desired", "设定", "设置", "目标"}
# The last word of a name that holds a code for how a sensor does, no value of its quantity.
CODES = {"status", "state", "flag", "flags", "code", "状态"}
# Without a unit these name an alarm or a bound, not a reading.
BOUNDS = {"detected", "high", "low", "hi", "lo", "upper", "lower", "过高", "过低"}
BACKWARD = {"reverse", "reversed", "backward", "backwards", "backflow", "反向"}
# What is not about a volume, though the name says water.
LEVELS = {"level", "depth", "height", "distance", "mm", "cm", "液位", "水位"}
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
CHINESE_CHANNELS = {"尖": "sharp", "峰": "peak", "平": "flat", "谷": "valley", "水温": "water"}
CHINESE_CHANNELS |= {"气温": "air", "室温": "room", "环境": "ambient", "室内": "indoor"}
CHINESE_CHANNELS |= {"室外": "outdoor", "供水": "supply", "回水": "return", "进水": "supply"}
CHINESE_CHANNELS |= {"出水": "return", "土壤": "soil", "冷藏": "fridge", "冷冻": "freezer"}
CHINESE_CHANNELS |= {"冷库": "cold_room", "组合": "combined", "净": "net"}
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
    "actual",
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
    "data",
    "index",
    "consumed",
    "mass",
    "capacity",
    "measured",
    "register",
    "有功功率",
    "累计",
    "累积",
    "瞬时",
    "实时",
    "用",
    "表",
    "传感器",
    "值",
    "数",
    "空气",
    "相对",
    "浓度",
    "强度",
    "时段",
}

# What a store of energy holds is a level, and what a kWh costs or emits no energy at all.
STORED = {"capacity", "remaining", "stored", "available", "soc"}
STORED |= {"co2", "carbon", "emission", "emissions", "intensity", "per"}

# Words that refined a quantity, by its name and by a part of its name.
REFINED = {
    "leak": {"water"},
    "flow": {"water"},
    "volume": {"water"},
    "energy": {"power", "功率"},
    "heat_energy": {"power", "功率"},
    "door": {"open", "opened", "contact"},
    "soil_moisture": {*SOIL, "water"},
    "device_temperature": DEVICE,
}
REFINED_BY_PART = {
    "reactive": REACTIVE,
    "apparent": APPARENT,
    "heat": THERMAL,
    "cooling": THERMAL,
    "gas": {"gas", "燃气", "气量"},
    "_export": EXPORT,
}

# What a part is about that holds faults, settings and counts of events, no values of now.
NOT_LIVE |= {"failure", "fault", "error", "enable", "enabled", "disabled", "warning", "duration"}
NOT_LIVE |= {"sequence", "timer", "delay", "hysteresis", "mode", "type", "rating", "raw", "tx"}
NOT_LIVE |= {"due", "settlement", "billing", "freeze", "frozen", "change", "changed", "changes"}
NOT_LIVE |= {"mutation", "initial", "band", "fouled", "fouling", "settings", "plan", "schedule"}
NOT_LIVE |= {"cfg", "autocalibration", "autocal", "number", "resolution", "sensitivity", "drop"}
NOT_LIVE |= {"tolerance", "range", "abnormal", "exception", "hour", "hourly", "weekly", "yearly"}
NOT_LIVE |= {"annual", "quarterly", "estimated", "forecast", "settle", "support", "source"}
# 今 today, 昨 yesterday, 本/上/当/去 this or the last period, 日 月 年 day month year, 需量 demand.
NOT_LIVE |= {
    "今日",
    "当日",
    "昨日",
    "本月",
    "当月",
    "上月",
    "本年",
    "当年",
    "去年",
    "日",
    "月",
    "年",
}
NOT_LIVE |= {"小时", "最大", "最小", "最高", "最低", "平均", "峰值", "上限", "下限", "阈值", "报警"}
NOT_LIVE |= {"告警", "需量", "冻结", "结算", "上次", "历史", "校准", "偏移", "补偿", "变化", "额定"}
NOT_LIVE |= {"偏差", "温差", "剩余", "增量", "故障", "异常", "次数", "时长", "倍率", "变比"}
NOT_LIVE |= {"ticks", "counter", "cnt", "text", "numeric"}
NOT_LIVE |= {"price", "cost", "costs", "tariffs", "budget", "forecast", "session", "trip"}
NOT_LIVE |= {"hour", "hourly", "estimate", "estimated", "quarter"}
NOT_LIVE |= {"heute", "gestern", "vortag", "vorjahr", "stichtag", "jahr", "monat", "woche"}
