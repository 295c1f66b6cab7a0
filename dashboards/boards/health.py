"""Data health: can the figures be trusted, who is silent, what could not be used."""

from typing import Any

from dashboards import theme, words
from dashboards.board import Board, Section
from dashboards.panels import Panel, chart, column, mapped, stat, table
from dashboards.parts import CLOCK, freshness
from dashboards.query import BUILDING, SITE, TIME, Query, select
from dashboards.text import Text
from dashboards.variables import buildings

_NOTHING = Text("校管家没有报告", "Caretaker reports nothing")
_COVERAGE = theme.steps((90.0, theme.ORANGE), (98.0, theme.GREEN), base=theme.RED)
_ESTIMATED = theme.steps((2.0, theme.ORANGE), (10.0, theme.RED))
_PIPELINE = "pipeline"


def _now(field: str, factor: str = "") -> Query:
    """Return the newest value of a field, whichever part of Caretaker reports it."""
    return select(f'{factor}last("{field}")', SITE, TIME, of=_PIPELINE)


def _trend(
    title: Text, description: Text, what: str, *, unit: str, name: Text, **look: Any
) -> Panel:
    return chart(
        title,
        description,
        select(what, SITE, TIME, of=_PIPELINE, group="time($__interval)", fill="none", alias=name),
        unit=unit,
        width=12,
        step="1m",
        no_value=_NOTHING,
        **look,
    )


_TILES = (
    stat(
        Text("完整度", "Coverage"),
        Text(
            "应有的读数里，收到的份额；低于 98% 时，图上的数字要当心。",
            "Share of the expected readings that came; below 98 % take the figures with care.",
        ),
        _now("coverage", "100 * "),
        unit="percent",
        decimals=1,
        levels=_COVERAGE,
        background=True,
        no_value=_NOTHING,
        width=6,
    ),
    stat(
        Text("没有说话的设备", "Silent devices"),
        Text(
            "超过三次该报没报的设备有几台。没有数据不等于正常。",
            "Devices that missed three messages. No data does not mean all is well.",
        ),
        _now("devices_silent"),
        unit=Text("suffix:台", "none"),
        decimals=0,
        levels=theme.steps((1.0, theme.ORANGE), (3.0, theme.RED)),
        words={"0": (Text("都在说话", "All speak"), theme.GREEN)},
        no_value=_NOTHING,
    ),
    stat(
        Text("隔离区", "Quarantine"),
        Text(
            "看不懂、没有用上的消息有几条。原文都留着，修好驱动后可以重放。",
            "Messages that could not be used. Each is kept as it came, to be replayed once the"
            " driver is mended.",
        ),
        _now("quarantine_held"),
        unit=Text("suffix:条", "none"),
        decimals=0,
        levels=theme.steps((1.0, theme.ORANGE)),
        words={"0": (Text("空的", "Empty"), theme.GREEN)},
        no_value=_NOTHING,
    ),
    stat(
        Text("估算的份额", "Estimated share"),
        Text(
            "用量里由缺口分摊、不是直接量到的份额。",
            "Share of consumption that was spread over gaps instead of measured.",
        ),
        _now("estimated_share", "100 * "),
        unit="percent",
        decimals=1,
        levels=_ESTIMATED,
        no_value=_NOTHING,
    ),
    freshness().sized(6, 4),
)

_DEVICES = table(
    Text("每台设备", "Each device"),
    Text(
        "沉默多久、最近一小时的完整度和估算份额。最久没说话的在最上面。",
        "How long each was silent, and coverage and estimated share of its last hour; the longest"
        " silence on top.",
    ),
    select(
        'last("silent_s") AS "silent_s", "coverage", "estimated_share"',
        SITE,
        BUILDING,
        TIME,
        of="device_health",
        group='"name", "role"',
        table=True,
    ),
    order=("name", "role", "silent_s", "coverage", "estimated_share"),
    columns=(
        column("name", Text("设备", "Device")),
        column("role", Text("种类", "Kind"), mappings=mapped(words.ROLES)),
        column(
            "silent_s",
            Text("沉默了", "Silent for"),
            unit=CLOCK,
            thresholds=theme.thresholds(theme.steps((3600.0, theme.ORANGE), (86_400.0, theme.RED))),
            custom__cellOptions={"type": "color-text"},
        ),
        column(
            "coverage",
            Text("完整度", "Coverage"),
            unit="percentunit",
            decimals=0,
            min=0,
            max=1,
            thresholds=theme.thresholds(
                theme.steps((0.9, theme.ORANGE), (0.98, theme.GREEN), base=theme.RED)
            ),
            custom__cellOptions={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
        ),
        column("estimated_share", Text("估算", "Estimated"), unit="percentunit", decimals=1),
    ),
    sort="silent_s",
    width=24,
    height=11,
    no_value=Text("还没有认领的设备", "No device is adopted yet"),
)

HEALTH = Board(
    name="health",
    title=Text("数据健康", "Data health"),
    description=Text(
        "这些数字能不能信：收全了没有，谁不说话，什么没看懂，多少是估的。",
        "Can the figures be trusted: what is complete, silent, not understood, estimated.",
    ),
    variables=(buildings("device_health"),),
    since="now-24h",
    sections=(
        Section(None, (_TILES, (_DEVICES,))),
        Section(
            Text("走势", "Over time"),
            (
                (
                    _trend(
                        Text("完整度", "Coverage"),
                        Text(
                            "收到的读数占应有的份额。突然下降，先查网关和网络。",
                            "Share of expected readings that came. A sudden drop: check gateway and"
                            " network first.",
                        ),
                        '100 * mean("coverage")',
                        unit="percent",
                        name=Text("完整度", "coverage"),
                        colour=theme.GREEN,
                        most=100,
                    ),
                    _trend(
                        Text("沉默的设备", "Silent devices"),
                        Text(
                            "同时沉默的台数。一起沉默的，多半是同一个网关。",
                            "How many are silent at once; those that fall silent together mostly"
                            " share a gateway.",
                        ),
                        'max("devices_silent")',
                        unit="none",
                        name=Text("沉默", "silent"),
                        colour=theme.ORANGE,
                        decimals=0,
                    ),
                ),
                (
                    chart(
                        Text("各环节的延迟", "Lag of each part"),
                        Text(
                            "每个环节落后多少秒。长期升高，说明机器太慢或磁盘有问题。",
                            "How far each part lies behind. If it keeps rising, the machine is too"
                            " slow or the disk is failing.",
                        ),
                        select(
                            'max("lag_s")',
                            SITE,
                            TIME,
                            of=_PIPELINE,
                            group='time($__interval), "part"',
                            fill="none",
                            alias="$tag_part",
                        ),
                        unit="s",
                        many=True,
                        step="1m",
                        no_value=_NOTHING,
                    ),
                    chart(
                        Text("每小时收到的读数", "Readings per hour"),
                        Text(
                            "每小时存下的读数。应当很平；掉下去就是有设备或网关停了。",
                            "Readings stored in each hour. It should be flat; a drop means that"
                            " devices or a gateway stopped.",
                        ),
                        select(
                            'non_negative_difference(max("readings_total"))',
                            SITE,
                            TIME,
                            of=_PIPELINE,
                            group="time(1h)",
                            fill="none",
                            alias=Text("读数", "readings"),
                        ),
                        unit="short",
                        colour=theme.INK,
                        bars=True,
                        no_value=_NOTHING,
                    ),
                    chart(
                        Text("隔离区里的消息", "Messages in quarantine"),
                        Text(
                            "还没有用上的消息数。变多时到校管家的“隔离”页看原因。",
                            "Messages not yet used. When it grows, Caretaker's page"
                            " Quarantine tells why.",
                        ),
                        select(
                            'max("quarantine_held")',
                            SITE,
                            TIME,
                            of=_PIPELINE,
                            group="time($__interval)",
                            fill="none",
                            alias=Text("隔离", "held"),
                        ),
                        unit="none",
                        decimals=0,
                        colour=theme.ORANGE,
                        step="1m",
                        no_value=_NOTHING,
                    ),
                ),
            ),
        ),
    ),
)
