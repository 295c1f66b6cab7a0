"""What people read in a notification, in zh-CN and en, by rule and kind."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined, UndefinedError

from alerting.rule_names import RULE_NAMES
from alerting.rule_texts import RULE_BODIES, RULE_TITLES

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
        "units_unmonitored": (
            "{{ device }}：{% if cold_units %}{{ cold_units }} 台冷柜没有监测"
            "{% else %}{{ devices }} 台设备没有数据{% endif %}"
        ),
        "power_cut": "{{ device }}停电：{{ cold_units }} 台冷柜",
        "unstable": "{{ device }}状态不稳定",
        "canary": "自检",
        "resolved": "{{ device }}已恢复正常",
        "other": "{{ device }}：{{ rule }}",
    },
    "en": {
        "cold_storage_warm": "{{ device }} is too warm: {{ air_c }} °C",
        "device_silent": "{{ device }} is silent",
        "continuous_flow": "{{ device }} never stops: {{ flow_l_h }} L/h",
        "units_unmonitored": (
            "{{ device }}: {% if cold_units %}{{ cold_units }} cold units unmonitored"
            "{% else %}{{ devices }} devices are silent{% endif %}"
        ),
        "power_cut": "{{ device }}: power cut, {{ cold_units }} cold units",
        "unstable": "{{ device }} keeps changing",
        "canary": "Self-test",
        "resolved": "{{ device }} is back to normal",
        "other": "{{ device }}: {{ rule }}",
    },
}

BODIES: dict[str, dict[str, str]] = {
    "zh-CN": {
        "cold_storage_warm": (
            "自 {{ since }} 起超过 {{ limit_c }} °C，最高 {{ peak_c }} °C，"
            "食品估计 {{ food_c }} °C。"
            "请现在关好门，检查压缩机；如果还在升温，请把食品移到另一台冰箱。"
            "{% if over %}食品现在就要决定去留。{% else %}"
            "距离必须决定食品去留还有 {{ left_min }}。{% endif %}"
        ),
        "device_silent": (
            "最后一次数据在 {{ since }}，已经 {{ silent_min }}。请检查供电和网络；"
            "如果是冷藏设备，请用温度计人工测量并记录。"
        ),
        "continuous_flow": (
            "连续 {{ hours }} 小时没有停过，夜里最小流量 {{ flow_l_h }} L/h，"
            "大约相当于 {{ toilets }} 个漏水的马桶，每天约 {{ cny_day }} 元。请检查水箱和阀门。"
        ),
        "units_unmonitored": (
            "自 {{ since }} 起，{{ devices }} 台设备同时没有数据，多半是停电、网关或网络的问题。"
            "{% if cold_units %}请现在检查供电，并用温度计测量每台冷柜、记录温度："
            "{% else %}请检查：{% endif %}{{ names }}。"
        ),
        "power_cut": (
            "自 {{ since }} 起停电，{{ cold_units }} 台冷柜没有供电：{{ names }}。请不要开门，"
            "联系电工，并准备转移食品；每台冷柜的剩余时间见页面，食品温度的紧急报警照常发出。"
        ),
        "unstable": (
            "一小时内反复报警 {{ firings }} 次，之后不再逐次通知。请检查传感器的安装、电池、"
            "信号，以及设备本身；食品温度的紧急报警不受影响。"
        ),
        "canary": "自检",
        "resolved": "数据显示已恢复正常。如尚未确认，请打开页面确认并写下处理情况。",
        "other": "自 {{ since }} 起。请打开页面查看详情并处理。",
    },
    "en": {
        "cold_storage_warm": (
            "Above {{ limit_c }} °C since {{ since }}, {{ peak_c }} °C at most; the food is about"
            " {{ food_c }} °C. Close the door and check the compressor now; if it goes on warming,"
            " move the food to another unit. {% if over %}The food must be decided on now."
            "{% else %}{{ left_min }} left until the food must be decided on.{% endif %}"
        ),
        "device_silent": (
            "The last reading came at {{ since }}, {{ silent_min }} ago. Check power and"
            " network; for cold storage, measure by hand and write it down."
        ),
        "continuous_flow": (
            "It has not stopped for {{ hours }} hours; the least flow is {{ flow_l_h }} L/h, about"
            " {{ toilets }} running toilets, {{ cny_day }} yuan a day. Check cisterns and valves."
        ),
        "units_unmonitored": (
            "Since {{ since }} {{ devices }} devices have been silent together: most likely power,"
            " gateway or network. {% if cold_units %}Check the power now, and measure each cold"
            " unit by hand and write it down: {% else %}Check: {% endif %}{{ names }}."
        ),
        "power_cut": (
            "No power since {{ since }} at {{ cold_units }} cold units: {{ names }}. Keep the doors"
            " shut, call the electrician and prepare to move the food; the page shows how long each"
            " unit keeps it, and critical food temperature is told as ever."
        ),
        "unstable": (
            "It raised an alarm {{ firings }} times within an hour and is no longer told each time."
            " Check how the sensor sits, its battery and signal, and the thing itself; critical"
            " food temperature is still told."
        ),
        "canary": "Self-test",
        "resolved": "The data show it is normal again. If nobody has acknowledged it, please do.",
        "other": "Since {{ since }}. Open the page for details.",
    },
}

OCCASIONS: dict[str, dict[str, str]] = {
    "zh-CN": {
        "escalated": "更严重了：{title}",
        "reraised": "仍未恢复：{title}",
        "tier": "还没有人接手：{title}",
        "repeat": "还没有人接手：{title}",
        "late": "之前发生过：{title}",
        "acknowledged": "已有人接手：{title}",
        "drill": "【演练】{title}",
        "drill_body": "【演练】这是一次演练，不是真的故障，请按真的处理。{body}",
        "taken": "{by}已接手。",
        "digest": "{count} 件事需要处理",
        "more": "还有 {more} 件，见下一条。",
    },
    "en": {
        "escalated": "Worse: {title}",
        "reraised": "Still not well: {title}",
        "tier": "Nobody has taken it: {title}",
        "repeat": "Nobody has taken it: {title}",
        "late": "It happened a while ago: {title}",
        "acknowledged": "Taken: {title}",
        "drill": "[DRILL] {title}",
        "drill_body": "[DRILL] This is a drill, no real fault; please act as if it were. {body}",
        "taken": "{by} has taken it.",
        "digest": "{count} things need somebody",
        "more": "{more} more in the next message.",
    },
}

DAILY: dict[str, dict[str, str]] = {
    "zh-CN": {
        "title": "{site}：{heard}/{total} 个设备有数据",
        "age": "最后一次数据在 {age_min} 分钟前。",
        "none": "没有任何数据，请检查网络和网关。",
        "well": "没有未处理的事件。",
        "calling": "还有 {calling} 件事未处理，请打开页面。",
        "quiet": "没有数据的：{names}。",
    },
    "en": {
        "title": "{site}: {heard} of {total} devices speak",
        "age": "The last reading came {age_min} minutes ago.",
        "none": "No data at all: check network and gateways.",
        "well": "Nothing is open.",
        "calling": "{calling} things are still open: please look at the page.",
        "quiet": "Silent: {names}.",
    },
}

ACKNOWLEDGE: dict[str, dict[str, str]] = {
    "zh-CN": {
        "button": "我来处理",
        "thanks": "已记录：由您处理。处理完请在页面上写下结果。",
        "taken": "这件事已经有人处理，或已经了结。",
        "gone": "这个链接已失效。请打开最新的通知，或登录页面处理。",
    },
    "en": {
        "button": "I take care of it",
        "thanks": "Noted: you take care of it. Write on the page how it went.",
        "taken": "Somebody has taken it already, or it is over.",
        "gone": "This link is no longer valid. Open the newest message, or log in to the page.",
    },
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_LONGEST = 60


for _lang in ("zh-CN", "en"):
    TITLES[_lang] |= RULE_TITLES[_lang]
    BODIES[_lang] |= RULE_BODIES[_lang]


def plain(text: str) -> str:
    """Return a name as one line of plain text that no channel takes for markup or for a link.

    >>> plain("fridge\\r\\nBcc: x <at user_id=all>"), plain("http://evil.example/[a](b)")
    ('fridge Bcc: x ‹at user_id=all›', 'http:∕∕evil.example/［a］（b）')
    """
    one_line = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())
    safe = one_line.translate(_MARKUP).replace("://", ":∕∕")
    words = " ".join(safe.split())
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"


_MARKUP = str.maketrans("<>[]()*`|@#", "‹›［］（）∗ˋ｜＠＃")


_SPANS = frozenset({"exposure_min", "decision_min", "left_min", "silent_min", "open_min"})
_TIME = {"zh-CN": ("天", "小时", "分钟"), "en": ("d", "h", "min")}


def told(name: str, value: object, lang: str) -> object:
    """Return a figure of the evidence as people say it: spans in hours, no needless decimals.

    >>> told("exposure_min", 123.3, "zh-CN"), told("limit_c", 8.0, "en"), told("air_c", 13.96, "en")
    ('2 小时 3 分钟', '8', '14')
    >>> told("silent_min", 1500, "en"), told("flow_l_h", 64.0, "en"), told("toilets", 3.8, "en")
    ('1 d 1 h', '64', '3.8')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if name in _SPANS:
        day, hour, minute = _TIME[lang]
        minutes = max(0, round(value))
        if minutes < 60:
            return f"{minutes} {minute}"
        large, small, first, second = (
            (minutes // 60, minutes % 60, hour, minute)
            if minutes < 1440
            else (minutes // 1440, minutes % 1440 // 60, day, hour)
        )
        return f"{large} {first} {small} {second}" if small else f"{large} {first}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{round(value, 1):g}"


def render(
    *,
    lang: str,
    rule: str,
    kind: str,
    device: str,
    since_ms: int,
    zone: ZoneInfo,
    evidence: Mapping[str, object],
    drill: bool = False,
    by: str = "",
    severity: str = "",
) -> tuple[str, str]:
    """Return (title, body) in the reader's language; times in the site's zone.

    >>> render(lang="en", rule="device_silent", kind="resolved", device="Fridge 1", since_ms=0,
    ...        zone=ZoneInfo("Asia/Shanghai"), evidence={})[0]
    'Fridge 1 is back to normal'
    """
    since = datetime.fromtimestamp(since_ms / 1000, tz=UTC).astimezone(zone)
    values: dict[str, object] = {
        name: plain(value)
        if isinstance(value, str) and name != "names"
        else told(name, value, lang)
        for name, value in evidence.items()
    }
    air, peak, limit = (evidence.get(name) for name in ("air_c", "peak_c", "limit_c"))
    if (
        rule == "cold_storage_warm"
        and isinstance(air, int | float)
        and isinstance(peak, int | float)
        and isinstance(limit, int | float)
        and air <= limit
    ):
        values["air_c"] = told("peak_c", peak, lang)  # it is over: how warm it was is what counts
    if isinstance(left := evidence.get("left_min"), int | float):
        values["over"] = left <= 0
    if isinstance(evidence.get("rules"), str):
        found = (RULE_NAMES[lang].get(n, n) for n in str(evidence["rules"]).split(", "))
        values["rules"] = ("、" if lang == "zh-CN" else ", ").join(plain(n) for n in found)
    if isinstance(evidence.get("names"), str):
        names = str(evidence["names"]).split("\n")
        values["names"] = ("、" if lang == "zh-CN" else ", ").join(plain(n) for n in names)
    day = f"{since.month}月{since.day}日" if lang == "zh-CN" else f"{since.day} {since:%b}"
    values |= {"device": plain(device), "since": f"{day} {since:%H:%M}", "rule": rule}
    key = "resolved" if kind == "resolved" else rule
    title, body = _worded(lang, key, values)
    words = OCCASIONS[lang]
    if kind in words:
        title = words[kind].format(title=title)
    if kind == "acknowledged" and by:
        body = words["taken"].format(by=by)
    if severity:
        title = f"[{SEVERITY[lang][severity]}] {title}"
    if drill:
        title, body = words["drill"].format(title=title), words["drill_body"].format(body=body)
    return title, body


def _worded(lang: str, key: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Return (title, body); a text whose figures are missing is told in general words."""
    for name in (key, "other"):
        with contextlib.suppress(KeyError, UndefinedError):
            title = _JINJA.from_string(TITLES[lang][name]).render(values)
            return title, _JINJA.from_string(BODIES[lang][name]).render(values)
    return str(values["device"]), ""


def digest_text(lines: Sequence[str], *, lang: str, more: int = 0) -> tuple[str, str]:
    """Return (title, body) of a message that names several incidents, one a line.

    >>> digest_text(["Fridge 1 is too warm", "Tap 2 never stops"], lang="en")
    ('2 things need somebody', 'Fridge 1 is too warm\\nTap 2 never stops')
    """
    words = OCCASIONS[lang]
    body = [*lines, words["more"].format(more=more)] if more else lines
    return words["digest"].format(count=len(lines) + more), "\n".join(body)


def daily_text(
    *,
    lang: str,
    site: str,
    heard: int,
    total: int,
    age_min: int | None,
    quiet: Sequence[str],
    calling: int,
) -> tuple[str, str]:
    """Return (title, body) of the daily note.

    >>> daily_text(lang="en", site="Oak", heard=6, total=6, age_min=2, quiet=[], calling=0)
    ('Oak: 6 of 6 devices speak', 'The last reading came 2 minutes ago. Nothing is open.')
    """
    words = DAILY[lang]
    parts = [words["none"] if age_min is None else words["age"].format(age_min=age_min)]
    parts.append(words["calling"].format(calling=calling) if calling else words["well"])
    if quiet:
        names = ("、" if lang == "zh-CN" else ", ").join(plain(name) for name in quiet[:20])
        parts.append(words["quiet"].format(names=names))
    title = words["title"].format(site=plain(site), heard=heard, total=total)
    return title, ("" if lang == "zh-CN" else " ").join(parts)
