"""What each reason code of an interval and of a check means, in the reader's words."""

REASONS: dict[str, tuple[str, str]] = {
    # code: (zh-CN, en). On an interval:
    "gap": (
        "数据中断，期间用量按时间均摊（估算）",
        "no data for a while: spread evenly, estimated",
    ),
    "long-gap": (
        "中断超过 50 天，期间用量不计",
        "silent for over 50 days: what passed is not booked",
    ),
    "reset": (
        "表码归零重计，归零前后之间的用量未知",
        "the register began again: unknown in between",
    ),
    "rollover": ("表码走满后从零开始，已按满码计算", "the register passed its last digit"),
    "held-zero": (
        "表码瞬时为零，随后恢复，按恢复后的表码计算",
        "a momentary zero was not believed",
    ),
    "dip": ("表码瞬时偏低，随后恢复，不采用", "the register was too low for a moment"),
    "spike": ("表码瞬时偏高，随后恢复，不采用", "the register was too high for a moment"),
    "jump": ("表码跳变超出物理可能，用量未知", "the register jumped further than can have passed"),
    "returned": ("表码归零后又恢复，只计两次正常表码之差", "the register came back after its zero"),
    "swap": ("更换电表/水表，新旧表分开计算", "the meter was exchanged: two registers"),
    "unknown": ("缺少旧表止码或新表起码，用量未知", "a reading of the exchange is missing"),
    "corrected": ("人工修正，以录入的用量为准", "a person's amount counts"),
    "unconfirmed": ("最新读数有待后续读数确认", "the newest readings are still to be confirmed"),
    # By a check of a day:
    "spike-interval": ("某一刻钟远高于当天第三高", "one interval is far above the third-highest"),
    "step-change": ("相邻刻钟突变", "a jump between neighbouring intervals"),
    "extreme": ("超过历史中位数加三倍四分位距", "above the median plus 3 IQR of past days"),
    "high": ("比平时高一半以上", "more than half above the usual day"),
    "low": ("比平时低一半以上", "more than half below the usual day"),
    "zero-run": ("整天没有用量", "nothing passed all day"),
    "much-estimated": ("一半以上为估算", "more estimated than measured"),
    "stuck": ("长时间数值不变，可能卡死", "one value for hours: the sensor may be stuck"),
    "too-fast": ("变化快于物理可能", "changes faster than it can"),
    "negative": ("功率为负：光伏反送或接线错误", "negative: feed-in, or wired wrongly"),
    "frozen": ("有功率而表码不动", "power flows, the register stands still"),
    "zero-while-live": (
        "表码在走而读数为零，数值未读到",
        "zero beside a counting register: unread",
    ),
    "sum-check": ("分段用量之和与表码不符", "intervals do not add up to the register"),
    "subs-above-main": ("分表之和大于总表", "the sub-meters exceed the main meter"),
    "main-above-subs": ("总表远大于分表之和", "the main meter far exceeds its sub-meters"),
    "missing-meter": ("合计缺少该表的数据", "the total lacks this meter"),
    "continuous-flow": ("全天每一刻钟都有水流", "water ran in every quarter-hour"),
    "intermittent-flow": ("多数时间有水流", "water ran most of the time"),
    "backflow": ("水表倒转", "the water meter ran backwards"),
    "peak-growth": ("高峰为此前一个月的两倍以上", "the peak is twice that of the month before"),
    "suspect": ("可疑读数，不采用", "suspect readings, not counted"),
    "retained": ("代理重发的旧消息，不采用", "repeated by the broker, not counted"),
    "clock": (
        "设备时钟不可信，按接收时间存储",
        "the device's clock is wrong: time of receipt used",
    ),
    "left-out": ("人工排除的读数", "readings a person left out"),
}
"""Every reason code with its name in Chinese and English."""


def name_of(code: str, lang: str) -> str:
    """Return a code in the reader's words.

    >>> name_of("rollover", "en"), name_of("new-one", "en")
    ('the register passed its last digit', 'new-one')
    """
    found = REASONS.get(code)
    return code if found is None else found[lang != "zh-CN"]
