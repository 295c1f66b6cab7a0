"""What each reason code of an interval and of a check means, in the reader's words."""

REASONS: dict[str, tuple[str, str]] = {
    # code: (zh-CN, en). On an interval:
    "gap": (
        "数据中断，期间总量按前后表码计，各时段为估算",
        "no data for a while: its sum is known, how it was spread is estimated",
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
    "out-of-range": ("数值超出物理上可能的范围，不采用", "beyond what physics allows: not used"),
    "sentinel": ("设备的故障代码，不是读数", "the device's code for no reading"),
}
"""Every reason code with its name in Chinese and English."""


def name_of(code: str, lang: str) -> str:
    """Return a code in the reader's words.

    >>> name_of("rollover", "en"), name_of("new-one", "en")
    ('the register passed its last digit', 'new-one')
    """
    found = REASONS.get(code)
    return code if found is None else found[lang != "zh-CN"]


FIGURES: dict[str, tuple[str, str]] = {
    "amount": ("用量", "amount"),
    "third": ("当天第三高", "third-highest"),
    "tolerance_pct": ("允许高出", "tolerance"),
    "before": ("之前", "before"),
    "after": ("之后", "after"),
    "bound": ("界限", "bound"),
    "usual": ("平时", "usual"),
    "hours": ("小时数", "hours"),
    "share_pct": ("占比", "share"),
    "value": ("数值", "value"),
    "lowest": ("最低", "lowest"),
    "times": ("次数", "times"),
    "missed": ("按功率应计", "by the power"),
    "intervals": ("分段之和", "intervals"),
    "register": ("表码", "register"),
    "main": ("总表", "main meter"),
    "subs": ("分表之和", "sub-meters"),
    "rest_pct": ("差额", "rest"),
    "drop": ("倒转", "drop"),
    "digit": ("末位", "last digit"),
    "peak": ("高峰", "peak"),
}
"""What the figures of a check are called, in Chinese and English."""


def figure_of(key: str, value: float, lang: str) -> str:
    """Return one figure of a check in the reader's words.

    >>> figure_of("rest_pct", 17.6233, "en"), figure_of("third", 0.5, "en")
    ('rest 17.6 %', 'third-highest 0.5')
    """
    name = FIGURES[key][lang != "zh-CN"] if key in FIGURES else key
    return f"{name} {value:.1f} %" if key.endswith("_pct") else f"{name} {round(value, 3):g}"


USE = frozenset(
    {"extreme", "high", "low", "zero-run", "peak-growth", "continuous-flow", "intermittent-flow",
     "spike-interval", "step-change"}
)  # fmt: skip
"""Codes that speak of what was used, not of how well it was measured."""

RECORDED = frozenset({"swap", "corrected", "left-out", "rollover", "unconfirmed"})
"""Codes that explain a number and are no fault: a person's record, a dial that went round."""

REMEDIES: dict[str, tuple[str, str]] = {
    "gap": (
        "看设备有没有断电、断网；补到读数后用量会自动改正。",
        "Was it without power or network? Late readings put the use right.",
    ),
    "long-gap": (
        "恢复设备；中断期间的用量请按抄表数补记。",
        "Get it going again; record what was used meanwhile from the meter's own dial.",
    ),
    "reset": (
        "换过表请登记“换表”；没有换，请检查表的供电和电池。",
        "If the meter was exchanged, record that; if not, look at its power and battery.",
    ),
    "held-zero": (
        "偶尔一次不用管；常常出现，请检查接线和网关。",
        "Once is nothing; often: wiring.",
    ),
    "dip": ("偶尔一次不用管；常常出现，请检查接线和网关。", "Once is nothing; often: wiring."),
    "spike": ("偶尔一次不用管；常常出现，请检查接线和网关。", "Once is nothing; often: wiring."),
    "jump": (
        "核对表上的示数、单位和倍率；换过表请登记“换表”。",
        "Compare dial, unit and ratio; if the meter was exchanged, record that.",
    ),
    "returned": (
        "检查表的供电：它归零后又恢复。",
        "Look at its power: it fell to zero and came back.",
    ),
    "unknown": ("补上换表时的旧表止码和新表起码。", "Add the readings of the exchange."),
    "much-estimated": ("查清为什么缺读数：电源、网络、网关。", "Find out why readings lack."),
    "stuck": (
        "到现场看探头或接线是否脱落、没电或卡住；用另一件仪器核对。",
        "Has the probe fallen off, or is its battery flat? Compare with another instrument.",
    ),
    "too-fast": ("检查探头接触和接线。", "Check the probe's contact and its wires."),
    "negative": (
        "有光伏就不用管；没有，请电工检查互感器方向和相序。",
        "With solar power: fine. Without: have the transformers' direction and phases checked.",
    ),
    "frozen": (
        "有功率而表码不动：请检查表或读数的数据项。",
        "Power flows and the register stands still: check the meter, or which register is read.",
    ),
    "zero-while-live": (
        "这个量没有真正读到；请检查网关读取的数据项。",
        "This value was not really read: check what the gateway asks for.",
    ),
    "sum-check": ("核对倍率和表码位数。", "Compare the ratio and the digits of the dial."),
    "subs-above-main": (
        "核对上下级关系和互感器倍率。",
        "Check which meter feeds which, and the transformers' ratios.",
    ),
    "main-above-subs": (
        "可能有没装分表的用电用水；也请核对倍率。",
        "Something may have no meter of its own; check the ratios too.",
    ),
    "missing-meter": ("恢复缺数据的那块表。", "Get the missing meter going again."),
    "backflow": (
        "请检查止回阀和水表方向。",
        "Check the non-return valve and the meter's direction.",
    ),
    "suspect": ("检查探头；可疑值不参与计算。", "Check the probe; suspect values are not counted."),
    "retained": ("在设备上关掉“保留消息”。", "Switch retained messages off at the device."),
    "clock": ("校准设备时钟，或打开它的网络对时。", "Set the device's clock, or its time server."),
    "out-of-range": ("检查探头、单位和倍率。", "Check probe, unit and ratio."),
    "sentinel": ("探头可能断线或短路。", "The probe may be cut or shorted."),
}
"""What to do about a code, in Chinese and English; what is not here needs nothing."""
