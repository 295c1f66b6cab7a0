"""Names that say what they measure: what they mean, and what they do not."""

import pytest

from ingest.codecs.keys import Key, identify
from ingest.codecs.objects import read_object
from ingest.codecs.values import Value


@pytest.mark.parametrize(
    ("name", "unit", "meaning"),
    [
        ("hallTemperatureC", "", ("temperature", "C", "hall")),
        ("Battery_Percentage", "", ("battery", "%", "")),
        ("batteryLow", "", ("battery_low", "", "")),
        ("voltageL2N_data", "V", ("voltage", "V", "b")),
        ("coolingEnergyTotal", "kWh", ("cooling_energy", "kWh", "")),
        ("heatEnergyTotal", "kWh", ("heat_energy", "kWh", "")),
        ("consumedActiveEnergyIndex", "Wh", ("energy", "Wh", "")),
        ("producedActiveEnergyIndex", "Wh", ("energy_export", "Wh", "")),
        ("TVOC_PPB", "", ("voc", "ppb", "")),
        ("soildHumidity2", "%", ("soil_moisture", "%", "2")),
        ("high_temperature", "C", ("temperature", "C", "high")),
        ("正向有功总电能(kWh)", "", ("energy", "kWh", "")),
        ("反向有功总电能", "kWh", ("energy_export", "kWh", "")),
        ("组合有功总电能", "kWh", ("energy", "kWh", "combined")),
        ("尖时段电能", "kWh", ("energy", "kWh", "sharp")),
        ("A相电压", "V", ("voltage", "V", "a")),
        ("B相有功功率", "kW", ("power", "kW", "b")),
        ("无功功率", "kvar", ("reactive_power", "kvar", "")),
        ("功率因数", "1", ("power_factor", "1", "")),
        ("累计流量", "m3", ("volume", "m3", "")),
        ("瞬时流量", "m3/h", ("flow", "m3/h", "")),
        ("累计热量", "kWh", ("heat_energy", "kWh", "")),
        ("累计冷量", "kWh", ("cooling_energy", "kWh", "")),
        ("供水温度", "℃", ("temperature", "℃", "supply")),
        ("冷藏温度", "℃", ("temperature", "℃", "fridge")),
        ("电池电量", "%", ("battery", "%", "")),
        ("燃气累计流量", "m3", ("gas_volume", "m3", "")),
        ("Volts", "", ("voltage", "V", "")),
        ("motion_detected", "", ("occupancy", "", "detected")),
        ("(°C)", "", ("temperature", "°C", "")),
        ("decibel", "", ("sound_level", "dB", "")),
        ("in1_voltage_VAC", "", ("voltage", "V", "in1")),
        ("PM_10", "µg/m³", ("pm10", "µg/m³", "")),
        ("PM1_0", "µg/m³", ("pm1", "µg/m³", "")),
        ("[05] CO₂ [ppm]", "", ("co2", "ppm", "05")),
        ("Soil_VWC", "%", ("soil_moisture", "%", "")),
        ("volumetric_water_content", "m³⋅m⁻³", ("soil_moisture", "m3/m3", "content")),
        ("actual_power", "W", ("power", "W", "")),
        ("1-0:1.8.0*255", "kWh", ("energy", "kWh", "")),
        ("1_8_2", "Wh", ("energy", "Wh", "t2")),
        ("1-0:32.7.0", "V", ("voltage", "V", "a")),
    ],
)
def test_a_name_says_what_it_measures(name: str, unit: str, meaning: tuple[str, str, str]) -> None:
    assert identify(name, unit) == Key(*meaning)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("energyAtDueDate", "kWh"),
        ("TempChange", ""),
        ("humidity_mutation", "%"),
        ("initialBatV", ""),
        ("temperature_high", ""),
        ("hourly_energy", "kWh"),
        ("Reverse volume", "m3"),
        ("反向累计流量", "m3"),
        ("今日用电量", "kWh"),
        ("上月正向有功电能", "kWh"),
        ("最高温度", "℃"),
        ("温度上限", "℃"),
        ("剩余电量", "kWh"),
        ("最大需量", "kW"),
        ("1.6.0", "kW"),
        ("1.8.0*01", "kWh"),
        ("Channel_A", ""),
        ("humidity", "°C"),
        ("co2", "%"),
        ("door_switch", ""),
    ],
)
def test_what_is_not_about_now_is_no_reading(name: str, unit: str) -> None:
    assert not isinstance(identify(name, unit), Key)


@pytest.mark.parametrize(
    "name",
    ["co2_sensor_status", "energyState", "wdpC", "DL_h1", "waterLevel", "message", "温度状态"],
)
def test_a_code_or_the_end_of_a_word_is_no_quantity(name: str) -> None:
    assert not isinstance(identify(name), Key)


def test_text_is_a_value_only_under_the_name_of_a_quantity() -> None:
    found = read_object({"supply": "4a", "format": "12F", "Current2": "1500mA", "temp": "3.5 C"})
    assert [(v.quantity, v.unit, v.number) for v in found if isinstance(v, Value)] == [
        ("current", "mA", "1500"),
        ("temperature", "C", "3.5"),
    ]


def test_items_of_one_name_are_told_apart_by_what_tells_them_apart() -> None:
    items = [
        {"type": kind, "uuid": f"clamp_{clamp}", "value": 100.0 * clamp, "unit": unit}
        for kind, unit in (("energy", "Wh"), ("power", "W"))
        for clamp in (1, 2)
    ]
    found = read_object({"points": items})
    assert [(v.quantity, v.channel, v.number) for v in found if isinstance(v, Value)] == [
        ("energy", "clamp_1", 100.0),
        ("energy", "clamp_2", 200.0),
        ("power", "clamp_1", 100.0),
        ("power", "clamp_2", 200.0),
    ]


def test_a_share_of_the_time_is_no_state() -> None:
    assert read_object({"occupancyRate": {"value": 0, "unit": "%"}, "motion": {"value": 9}}) == []
