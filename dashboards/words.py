"""Codes and names of the system in the reader's words."""

from dashboards import theme
from dashboards.panels import Json, column
from dashboards.text import Text

SEVERITY: dict[str, tuple[Text, str]] = {
    "1": (Text("提醒", "Notice"), theme.INK),
    "2": (Text("报警", "Alarm"), theme.ORANGE),
    "3": (Text("紧急", "Critical"), theme.RED),
}

STATE: dict[str, tuple[Text, str]] = {
    "1": (Text("观察中", "Watching"), theme.INK),
    "2": (Text("没人处理", "Nobody on it"), theme.RED),
    "3": (Text("有人在处理", "Being handled"), theme.ORANGE),
    "4": (Text("正在恢复", "Recovering"), theme.GREEN),
    "5": (Text("已了结", "Done"), theme.INK),
}

RULES: dict[str, tuple[Text, str]] = {
    "cold_storage_warm": (Text("冷藏温度过高", "Cold storage too warm"), ""),
    "cold_storage_cold": (Text("冷藏温度过低", "Cold storage too cold"), ""),
    "food_hold": (Text("食品要决定去留", "Food must be decided on"), ""),
    "hot_holding_low": (Text("热食保温不够", "Hot food not hot enough"), ""),
    "cold_door_open": (Text("冷柜门没关", "Cold unit's door is open"), ""),
    "cold_power_cut": (Text("冷柜停电", "Cold unit without power"), ""),
    "cold_unit": (Text("冷柜状态", "Cold unit's state"), ""),
    "cold_warning": (Text("冷柜会出问题", "Cold unit will fail"), ""),
    "compressor_duty": (Text("压缩机停不下来", "Compressor hardly stops"), ""),
    "defrost_drift": (Text("除霜越来越长", "Defrosts take longer"), ""),
    "canary": (Text("自检", "Self-test"), ""),
    "units_unmonitored": (Text("冷柜没有监测", "Cold units unmonitored"), ""),
    "device_silent": (Text("设备没有数据", "Device is silent"), ""),
    "unstable": (Text("状态反复变化", "Keeps changing"), ""),
    "continuous_flow": (Text("一直在流水", "Water never stops"), ""),
    "meter_still": (Text("表不走了", "Meter stands still"), ""),
    "sensor_stuck": (Text("传感器读数不变", "Sensor is stuck"), ""),
    "sensor_implausible": (Text("传感器读数不合理", "Sensor is implausible"), ""),
    "battery_low": (Text("电池快没电", "Battery is low"), ""),
    "calibration_due": (Text("该校准了", "Calibration is due"), ""),
    "data_quality": (Text("数据质量不够", "Data are poor"), ""),
    "rule_unmatched": (Text("规则没有对象", "A rule fits no device"), ""),
    "rules_refused": (Text("规则文件有错", "The rule file is wrong"), ""),
    "caretaker_unwell": (Text("校管家自身故障", "Caretaker itself is ill"), ""),
}
"""A rule without a word here is shown by its own name."""

ROLES: dict[str, tuple[Text, str]] = {
    "electricity": (Text("电表", "Electricity meter"), ""),
    "water": (Text("水表", "Water meter"), ""),
    "room": (Text("室内", "Room"), ""),
    "fridge": (Text("冷藏柜", "Fridge"), ""),
    "freezer": (Text("冷冻柜", "Freezer"), ""),
    "sample_fridge": (Text("留样柜", "Sample fridge"), ""),
    "hot_holding": (Text("热食柜", "Hot holding"), ""),
    "door": (Text("门", "Door"), ""),
    "other": (Text("其他", "Other"), ""),
}

OPEN: dict[str, tuple[Text, str]] = {
    "0": (Text("关", "Closed"), theme.INK),
    "1": (Text("开着", "Open"), theme.ORANGE),
}

DEFROST: dict[str, tuple[Text, str]] = {
    "0": (Text("否", "No"), theme.INK),
    "1": (Text("除霜中", "Defrosting"), theme.CYAN),
}

ENOUGH: dict[str, tuple[Text, str]] = {
    "0": (Text("数据不够", "Not enough data"), theme.ORANGE),
    "1": (Text("可用", "Good"), theme.GREEN),
}

_WEEKDAYS = (
    Text("周一", "Mon"),
    Text("周二", "Tue"),
    Text("周三", "Wed"),
    Text("周四", "Thu"),
    Text("周五", "Fri"),
    Text("周六", "Sat"),
    Text("周日", "Sun"),
)


def weekday_rows() -> list[Json]:
    """Return the rows of a calendar, named Monday to Sunday."""
    return [column(str(number + 1), day) for number, day in enumerate(_WEEKDAYS)]


def hour_rows() -> list[Json]:
    """Return the rows of a day, named by the hour."""
    return [column(f"{hour:02d}", Text(f"{hour} 时", f"{hour:02d}:00")) for hour in range(24)]
