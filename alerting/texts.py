"""What people read in a notification, in zh-CN and en, by rule and kind."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined

_JINJA = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701  (plain text)

SEVERITY = {
    "zh-CN": {"notice": "提醒", "alarm": "报警", "critical": "紧急"},
    "en": {"notice": "Notice", "alarm": "Alarm", "critical": "Critical"},
}

TITLES: dict[str, dict[str, str]] = {
    "zh-CN": {
        "cold_storage_warm": "{{ device }}温度过高：{{ air_c }} °C",
        "device_silent": "{{ device }}没有数据",
        "continuous_flow": "{{ device }}一直在流水：{{ flow_l_h }} L/h",
        "resolved": "{{ device }}已恢复正常",
    },
    "en": {
        "cold_storage_warm": "{{ device }} is too warm: {{ air_c }} °C",
        "device_silent": "{{ device }} is silent",
        "continuous_flow": "{{ device }} never stops: {{ flow_l_h }} L/h",
        "resolved": "{{ device }} is back to normal",
    },
}

BODIES: dict[str, dict[str, str]] = {
    "zh-CN": {
        "cold_storage_warm": (
            "自 {{ since }} 起超过 {{ limit_c }} °C，最高 {{ peak_c }} °C，"
            "食品估计 {{ food_c }} °C。"
            "请现在关好门，检查压缩机；如果还在升温，请把食品移到另一台冰箱。"
            "距离必须决定食品去留还有 {{ left_min }} 分钟。"
        ),
        "device_silent": (
            "最后一次数据在 {{ since }}，已经 {{ silent_min }} 分钟。请检查供电和网络；"
            "如果是冷藏设备，请用温度计人工测量并记录。"
        ),
        "continuous_flow": (
            "连续 {{ hours }} 小时没有停过，夜里最小流量 {{ flow_l_h }} L/h，"
            "大约相当于 {{ toilets }} 个漏水的马桶，每天约 {{ cny_day }} 元。请检查水箱和阀门。"
        ),
        "resolved": "数据显示已恢复正常。如尚未确认，请打开页面确认并写下处理情况。",
    },
    "en": {
        "cold_storage_warm": (
            "Above {{ limit_c }} °C since {{ since }}, {{ peak_c }} °C at most; the food is about"
            " {{ food_c }} °C. Close the door and check the compressor now; if it goes on warming,"
            " move the food to another unit. {{ left_min }} minutes are left until the food must be"
            " decided on."
        ),
        "device_silent": (
            "The last reading came at {{ since }}, {{ silent_min }} minutes ago. Check power and"
            " network; for cold storage, measure by hand and write it down."
        ),
        "continuous_flow": (
            "It has not stopped for {{ hours }} hours; the least flow is {{ flow_l_h }} L/h, about"
            " {{ toilets }} running toilets, {{ cny_day }} yuan a day. Check cisterns and valves."
        ),
        "resolved": "The data show it is normal again. If nobody has acknowledged it, please do.",
    },
}


def render(
    *,
    lang: str,
    rule: str,
    kind: str,
    device: str,
    since_ms: int,
    zone: ZoneInfo,
    evidence: Mapping[str, object],
) -> tuple[str, str]:
    """Return (title, body) in the reader's language; times in the site's zone.

    >>> render(lang="en", rule="device_silent", kind="resolved", device="Fridge 1", since_ms=0,
    ...        zone=ZoneInfo("Asia/Shanghai"), evidence={})[0]
    'Fridge 1 is back to normal'
    """
    key = "resolved" if kind == "resolved" else rule
    since = datetime.fromtimestamp(since_ms / 1000, tz=UTC).astimezone(zone)
    # A name is one line of plain text, whatever was written into the settings.
    name = " ".join(device.encode("utf-8", "replace").decode().split())
    values = {**evidence, "device": name, "since": since.strftime("%m-%d %H:%M")}
    title = _JINJA.from_string(TITLES[lang][key]).render(values)
    body = _JINJA.from_string(BODIES[lang][key]).render(values)
    return title, body
