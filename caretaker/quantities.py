"""The measured quantities, each with one canonical unit and one kind."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How the values of a quantity follow each other in time."""

    GAUGE = "gauge"  # a level at an instant
    COUNTER = "counter"  # a register that only grows, but for reset, rollover and swap
    DELTA = "delta"  # an amount since the message before
    STATE = "state"  # 0 or 1, holds until told otherwise


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured quantity: name, canonical unit, kind, and the range physics allows."""

    name: str
    unit: str
    kind: Kind
    low: float
    high: float
    en: str
    zh: str


def _table(*rows: Quantity) -> dict[str, Quantity]:
    return {row.name: row for row in rows}


QUANTITIES: dict[str, Quantity] = _table(
    Quantity("energy", "kWh", Kind.COUNTER, 0.0, 1e12, "energy", "电量"),
    Quantity("energy_export", "kWh", Kind.COUNTER, 0.0, 1e12, "exported energy", "反向电量"),
    Quantity("reactive_energy", "kvarh", Kind.COUNTER, 0.0, 1e12, "reactive energy", "无功电量"),
    Quantity(
        "reactive_energy_export",
        "kvarh",
        Kind.COUNTER,
        0.0,
        1e12,
        "exported reactive energy",
        "反向无功电量",
    ),
    Quantity("apparent_energy", "kVAh", Kind.COUNTER, 0.0, 1e12, "apparent energy", "视在电量"),
    Quantity(
        "energy_delta", "kWh", Kind.DELTA, 0.0, 1e6, "energy since the last message", "增量电量"
    ),
    Quantity(
        "volume_delta", "m3", Kind.DELTA, 0.0, 1e6, "volume since the last message", "增量水量"
    ),
    Quantity("demand", "kW", Kind.GAUGE, 0.0, 1e6, "demand", "需量"),
    Quantity("power", "kW", Kind.GAUGE, -1e6, 1e6, "power", "功率"),
    Quantity("power_export", "kW", Kind.GAUGE, -1e6, 1e6, "exported power", "反向功率"),
    Quantity("reactive_power", "kvar", Kind.GAUGE, -1e6, 1e6, "reactive power", "无功功率"),
    Quantity("apparent_power", "kVA", Kind.GAUGE, 0.0, 1e6, "apparent power", "视在功率"),
    Quantity("voltage", "V", Kind.GAUGE, 0.0, 1e6, "voltage", "电压"),
    Quantity("current", "A", Kind.GAUGE, -1e5, 1e5, "current", "电流"),
    Quantity("power_factor", "1", Kind.GAUGE, -1.0, 1.0, "power factor", "功率因数"),
    Quantity("frequency", "Hz", Kind.GAUGE, 0.0, 500.0, "frequency", "频率"),
    Quantity("volume", "m3", Kind.COUNTER, 0.0, 1e12, "volume", "用水量"),
    Quantity("flow", "m3/h", Kind.GAUGE, -1e5, 1e5, "flow", "流量"),
    Quantity("gas_volume", "m3", Kind.COUNTER, 0.0, 1e12, "gas volume", "用气量"),
    Quantity("gas_flow", "m3/h", Kind.GAUGE, -1e5, 1e5, "gas flow", "燃气流量"),
    Quantity("heat_energy", "kWh", Kind.COUNTER, 0.0, 1e12, "heat", "热量"),
    Quantity("cooling_energy", "kWh", Kind.COUNTER, 0.0, 1e12, "cooling", "冷量"),
    Quantity("heat_power", "kW", Kind.GAUGE, -1e6, 1e6, "heat power", "热功率"),
    Quantity(
        "heat_volume", "m3", Kind.COUNTER, 0.0, 1e12, "volume of the heat carrier", "载热体体积"
    ),
    Quantity("heat_flow", "m3/h", Kind.GAUGE, -1e5, 1e5, "flow of the heat carrier", "载热体流量"),
    Quantity("temperature", "degC", Kind.GAUGE, -90.0, 150.0, "temperature", "温度"),
    Quantity(
        "temperature_difference",
        "K",
        Kind.GAUGE,
        -200.0,
        200.0,
        "temperature difference",
        "温差",
    ),
    Quantity("temperature_setpoint", "degC", Kind.GAUGE, -90.0, 150.0, "set point", "设定温度"),
    Quantity("dew_point", "degC", Kind.GAUGE, -110.0, 100.0, "dew point", "露点"),
    Quantity("humidity", "%", Kind.GAUGE, 0.0, 100.0, "relative humidity", "相对湿度"),
    Quantity("pressure", "hPa", Kind.GAUGE, 0.0, 1e5, "air pressure", "气压"),
    Quantity("co2", "ppm", Kind.GAUGE, 0.0, 1e5, "carbon dioxide", "二氧化碳"),
    Quantity("voc", "ppb", Kind.GAUGE, 0.0, 1e6, "volatile organic compounds", "挥发性有机物"),
    Quantity("formaldehyde", "mg/m3", Kind.GAUGE, 0.0, 1e3, "formaldehyde", "甲醛"),
    Quantity("pm1", "ug/m3", Kind.GAUGE, 0.0, 1e5, "PM1", "PM1"),
    Quantity("pm2_5", "ug/m3", Kind.GAUGE, 0.0, 1e5, "PM2.5", "PM2.5"),
    Quantity("pm10", "ug/m3", Kind.GAUGE, 0.0, 1e5, "PM10", "PM10"),
    Quantity("sound_level", "dB", Kind.GAUGE, -50.0, 200.0, "sound level", "噪声"),
    Quantity("soil_moisture", "%", Kind.GAUGE, 0.0, 100.0, "soil moisture", "土壤湿度"),
    Quantity("illuminance", "lx", Kind.GAUGE, 0.0, 1e6, "illuminance", "照度"),
    Quantity("battery", "%", Kind.GAUGE, 0.0, 100.0, "battery", "电池"),
    Quantity("battery_voltage", "V", Kind.GAUGE, 0.0, 100.0, "battery voltage", "电池电压"),
    Quantity(
        "device_temperature",
        "degC",
        Kind.GAUGE,
        -90.0,
        200.0,
        "temperature of the device itself",
        "设备温度",
    ),
    Quantity("battery_low", "1", Kind.STATE, 0.0, 1.0, "battery low", "电池低"),
    Quantity("fault", "1", Kind.STATE, 0.0, 1.0, "fault reported by the device", "设备报故障"),
    Quantity("door", "1", Kind.STATE, 0.0, 1.0, "door open", "门开"),
    Quantity("leak", "1", Kind.STATE, 0.0, 1.0, "water leak", "漏水"),
    Quantity("smoke", "1", Kind.STATE, 0.0, 1.0, "smoke", "烟雾"),
    Quantity("gas_alarm", "1", Kind.STATE, 0.0, 1.0, "gas alarm", "燃气报警"),
    Quantity("tamper", "1", Kind.STATE, 0.0, 1.0, "tampered with", "防拆"),
    Quantity("mains", "1", Kind.STATE, 0.0, 1.0, "mains present", "市电"),
    Quantity("defrost", "1", Kind.STATE, 0.0, 1.0, "defrosting", "除霜"),
    Quantity("relay", "1", Kind.STATE, 0.0, 1.0, "relay on", "继电器"),
    Quantity("occupancy", "1", Kind.STATE, 0.0, 1.0, "occupied", "有人"),
)
"""Every quantity Caretaker stores, by name."""
