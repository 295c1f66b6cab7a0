"""An explanation in the reader's words, line by line."""

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from caretaker.clock import from_ms
from caretaker.quantities import QUANTITIES, Kind
from ingest.cells import Step
from ingest.checks import Flag
from ingest.explain import COUNTED, Explanation
from ingest.reasons import RECORDED, REMEDIES, figure_of, name_of
from storage.meter_events import EventKind, MeterEvent

_SHOWN = 0.0005  # less is not seen in three decimals

_ZH = {
    "title": "{name} · {quantity} · {day}",
    "nothing": "当天没有数据。缺失不等于零。",
    "total": "合计 {amount:.3f} {unit}",
    "level": "平均 {mean:.3f} {unit}，最低 {low:.3f}，最高 {high:.3f}",
    "original": "  表计计得 {original:.3f} {unit}，其中 {edited:.3f} {unit} 以人工录入为准",
    "estimated": "  其中估算 {estimated:.3f} {unit}（{share:.1f} %）",
    "coverage": "数据覆盖 {coverage:.1f} %，当天 {quarters} 个刻钟，{readings} 条有效读数",
    "aside": "  不采用：可疑 {suspect} 条，代理重发 {retained} 条，人工排除 {left_out} 条",
    "clock": "  {clock} 条读数的设备时钟不可信，按接收时间存储",
    "registers": "表码 {first_at} {first:.3f} → {last_at} {last:.3f} {unit}",
    "level_readings": "读数 {first_at} {first:.3f} → {last_at} {last:.3f} {unit}",
    "plain": "正常步进 {count} 次，表码共走 {amount:.3f} {unit}{counted}",
    "step": "{start} → {end}  表码从 {value:.3f} 起，计 {amount:.3f} {unit}{counted}：{why}",
    "counted": "，按倍率和零点计入当天 {counted:.3f} {unit}",
    "sum": "以上合计 {counted:.3f} {unit}",
    "events": "已登记的事件",
    "swap": "  {at} 换表 {old} → {new}：止码 {final}，起码 {initial}",
    "multiplier": "  自 {at} 起倍率（CT×PT）{value:g}",
    "register_max": "  表码最大值 {value:g}",
    "amount": "  {at} 至 {end} 修正为 {value:g} {unit}",
    "leave_out": "  {at} 至 {end} 的读数不采用",
    "who": "（{author}：{reason}）",
    "flags": "检查提示",
    "passed": "检查全部通过。",
    "parts": "分表",
    "part": "  {name}：{amount}",
    "lacking": "缺数据，未计入",
    "guessed": "（其中估算 {estimated:.3f} {unit}）",
    "partly": "，只有当天 {share:.0f} % 时间的数据",
    "remedies": "怎么办",
    "lacks": "{name}：没有数据",
    "lacks_part": "{name}：只有 {share:.0f} % 时间的数据",
    "rest": "  总表减分表 {rest:.3f} {unit}（{share:.1f} %）",
    "reasons": "当天的原因代码：{reasons}",
}
_EN = {
    "title": "{name} · {quantity} · {day}",
    "nothing": "No data on this day. Missing is not zero.",
    "total": "Total {amount:.3f} {unit}",
    "level": "Mean {mean:.3f} {unit}, lowest {low:.3f}, highest {high:.3f}",
    "original": "  The registers gave {original:.3f} {unit}; a person entered {edited:.3f} {unit}",
    "estimated": "  of it estimated {estimated:.3f} {unit} ({share:.1f} %)",
    "coverage": "Data cover {coverage:.1f} %; {quarters} quarter-hours, {readings} good readings",
    "aside": "  not counted: {suspect} suspect, {retained} repeated by the broker,"
    " {left_out} left out by a person",
    "clock": "  {clock} readings came with a wrong clock: stored under the time of receipt",
    "registers": "Register {first_at} {first:.3f} -> {last_at} {last:.3f} {unit}",
    "level_readings": "Readings {first_at} {first:.3f} -> {last_at} {last:.3f} {unit}",
    "plain": "{count} plain steps: the register moved {amount:.3f} {unit}{counted}",
    "step": "{start} -> {end}  from {value:.3f}, booked {amount:.3f} {unit}{counted}: {why}",
    "counted": ", by ratio and midnight {counted:.3f} {unit} of this day",
    "sum": "Together {counted:.3f} {unit}",
    "events": "Recorded events",
    "swap": "  {at} meter {old} -> {new}: final {final}, initial {initial}",
    "multiplier": "  from {at} on multiplier (CT x PT) {value:g}",
    "register_max": "  the register shows at most {value:g}",
    "amount": "  {at} to {end} corrected to {value:g} {unit}",
    "leave_out": "  readings of {at} to {end} left out",
    "who": " ({author}: {reason})",
    "flags": "What the checks say",
    "passed": "All checks passed.",
    "parts": "Sub-meters",
    "part": "  {name}: {amount}",
    "lacking": "no data, not in the sum",
    "guessed": " ({estimated:.3f} {unit} of it estimated)",
    "partly": ", data for {share:.0f} % of the day only",
    "remedies": "What to do",
    "lacks": "{name}: no data",
    "lacks_part": "{name}: data for {share:.0f} % of the time only",
    "rest": "  main less sub-meters {rest:.3f} {unit} ({share:.1f} %)",
    "reasons": "Reason codes of the day: {reasons}",
}


def lines(found: Explanation, *, lang: str, zone: ZoneInfo) -> Iterator[str]:
    """Yield the explanation in zh-CN or en; times in the site's zone."""
    words = _ZH if lang == "zh-CN" else _EN
    quantity = QUANTITIES[found.point.quantity]

    def at(at_ms: int) -> str:
        local = from_ms(at_ms).astimezone(zone)
        if at_ms == found.end_ms:
            return "24:00"
        text = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
        inside = found.start_ms <= at_ms < found.end_ms
        return text if inside else f"{local:%Y-%m-%d} {text}"

    name = found.device.name or found.device.key
    channel = f" {found.point.channel}" if found.point.channel else ""
    yield words["title"].format(
        name=name + channel,
        quantity=quantity.zh if lang == "zh-CN" else quantity.en,
        day=f"{from_ms(found.start_ms).astimezone(zone):%Y-%m-%d}",
    )
    yield from _total(found, words, quantity.unit)
    yield from _readings(found, words, quantity.unit, at)
    if quantity.kind in COUNTED:
        yield from _steps(found, words, quantity.unit, at, lang)
    if found.events:
        yield words["events"]
        for event in found.events:
            yield _event(event, words, at(event.at_ms), at(event.end_ms), quantity.unit)
    yield from _parts(found, words, quantity.unit)
    yield from _flags(found, words, at, lang)


def _total(found: Explanation, words: dict[str, str], unit: str) -> Iterator[str]:
    day = found.day
    if day is None:
        yield words["nothing"]
        return
    if QUANTITIES[found.point.quantity].kind not in COUNTED:
        yield words["level"].format(mean=day.mean, low=day.low, high=day.high, unit=unit)
        return
    yield words["total"].format(amount=day.amount, unit=unit)
    if day.original is not None:
        yield words["original"].format(original=day.original, edited=day.edited, unit=unit)
    if day.estimated:
        share = day.estimated / day.amount * 100 if day.amount else 0.0
        yield words["estimated"].format(estimated=day.estimated, share=share, unit=unit)


def _readings(
    found: Explanation, words: dict[str, str], unit: str, at: Callable[[int], str]
) -> Iterator[str]:
    yield words["coverage"].format(
        coverage=found.coverage * 100, quarters=found.quarters, readings=found.readings
    )
    if found.suspect or found.retained or found.left_out:
        yield words["aside"].format(
            suspect=found.suspect, retained=found.retained, left_out=found.left_out
        )
    if found.clock:
        yield words["clock"].format(clock=found.clock)
    if found.first and found.last:
        counts = QUANTITIES[found.point.quantity].kind is Kind.COUNTER
        yield words["registers" if counts else "level_readings"].format(
            first_at=at(found.first[0]),
            first=found.first[1],
            last_at=at(found.last[0]),
            last=found.last[1],
            unit=unit,
        )


def _steps(
    found: Explanation, words: dict[str, str], unit: str, at: Callable[[int], str], lang: str
) -> Iterator[str]:
    def counted(amount: float, share: float) -> str:
        """Tell what counts on the day where a ratio or midnight makes it another amount."""
        same = abs(amount - share) < _SHOWN
        return "" if same else words["counted"].format(counted=share, unit=unit)

    yield words["plain"].format(
        count=found.plain_steps,
        amount=found.plain_amount,
        unit=unit,
        counted=counted(found.plain_amount, found.plain_counted),
    )
    for step, share in zip(found.steps, found.counted, strict=True):
        yield words["step"].format(
            start=at(step.start_ms),
            end=at(step.end_ms),
            value=step.value,
            amount=step.amount,
            unit=unit,
            counted=counted(step.amount, share),
            why=_why(step, lang),
        )
    if found.steps:
        yield words["sum"].format(counted=found.plain_counted + sum(found.counted), unit=unit)


def _flags(
    found: Explanation, words: dict[str, str], at: Callable[[int], str], lang: str
) -> Iterator[str]:
    codes = set(found.day.reason.split("+")) - {""} if found.day is not None else set()
    if found.flags:
        yield words["flags"]
    elif found.day is not None and not codes - RECORDED:
        yield words["passed"]
    for flag in found.flags:
        figures = ", ".join(figure_of(key, value, lang) for key, value in flag.figures.items())
        if flag.code == "missing-meter":
            figures = _lacking(found, flag, words)
        span = "" if _whole_day(found, flag) else f"  {at(flag.start_ms)} - {at(flag.end_ms)}"
        yield f"  [{flag.code}] {name_of(flag.code, lang)}{span}  {figures}".rstrip()
    if codes:
        named = (f"[{code}] {name_of(code, lang)}" for code in sorted(codes))
        yield words["reasons"].format(reasons="; ".join(named))
    helps: dict[str, list[str]] = {}
    for code in dict.fromkeys([*sorted(codes - RECORDED), *(flag.code for flag in found.flags)]):
        if code in REMEDIES:
            helps.setdefault(REMEDIES[code][lang != "zh-CN"], []).append(code)
    if helps:
        yield words["remedies"]
    for text, told in helps.items():
        yield f"  [{', '.join(told)}] {text}"


def _whole_day(found: Explanation, flag: Flag) -> bool:
    return (flag.start_ms, flag.end_ms) == (found.start_ms, found.end_ms)


def _lacking(found: Explanation, flag: Flag, words: dict[str, str]) -> str:
    """Name the meter that a total lacks."""
    device = next(p.device for p in found.parts if p.device.id == int(flag.figures["device"]))
    share = flag.figures["share_pct"]
    return words["lacks_part" if share else "lacks"].format(
        name=device.name or device.key, share=share
    )


def _why(step: Step, lang: str) -> str:
    return "; ".join(f"[{code}] {name_of(code, lang)}" for code in step.reasons)


def _event(event: MeterEvent, words: dict[str, str], at: str, end: str, unit: str) -> str:
    def shown(value: float | None) -> str:
        return "?" if value is None else f"{value:g}"

    text = words[event.kind.value].format(
        at=at,
        end=end,
        value=event.value or 0.0,
        unit=unit,
        old=event.old_serial or "?",
        new=event.new_serial or "?",
        final=shown(event.final),
        initial=shown(event.initial),
    )
    if event.kind is EventKind.SWAP and event.value is not None:
        text += words["multiplier"].format(at=at, value=event.value)
    return text + words["who"].format(author=event.author, reason=event.reason or "-")


def _parts(found: Explanation, words: dict[str, str], unit: str) -> Iterator[str]:
    if not found.parts:
        return
    yield words["parts"]
    known = 0.0
    for part in found.parts:
        name = part.device.name or part.device.key
        lacking = part.amount is None
        known += part.amount or 0.0
        amount = words["lacking"] if lacking else f"{part.amount:.3f} {unit}"
        if part.estimated and not lacking:
            amount += words["guessed"].format(estimated=part.estimated, unit=unit)
        if not lacking and not part.whole:
            amount += words["partly"].format(share=part.share * 100)
        yield words["part"].format(name=name, amount=amount)
    if found.day is not None and found.day.amount:
        rest = found.day.amount - known
        yield words["rest"].format(rest=rest, share=rest / found.day.amount * 100, unit=unit)
