"""Queries and panels that several boards share."""

from typing import Any

from dashboards import theme, words
from dashboards.panels import Panel, calendar, chart, column, mapped, stat, table, usual_band
from dashboards.query import SITE, TIME, Query, is_, select
from dashboards.text import Text

ACKNOWLEDGE_S = 30 * 60
RECOVER_S = 2 * 3600
"""The school's promise: somebody answers within 30 minutes, it works again within 2 hours."""

_TO = "${__to}"
KWH, M3, CNY, CO2, LPH = "kwatth", "m3", "currencyCNY", "masskg", "suffix:L/h"
CLOCK = "dtdurations"
_LATE = theme.steps((0.0, theme.ORANGE), (600.0, theme.GREEN), base=theme.RED)


def kpi(
    what: str,
    name: str,
    *more: str,
    period: str,
    scope: str = "campus",
    group: str = "",
    fill: str = "",
    after: str = "",
    alias: str | Text = "",
    table: bool = False,
) -> Query:
    """Return a query on one KPI of the chosen site by hour, day, week, month or term."""
    return select(
        what,
        SITE,
        is_("scope_kind", scope),
        is_("kpi", name),
        *more,
        TIME,
        of=f"kpi_{period}",
        group=group,
        fill=fill,
        after=after,
        alias=alias,
        table=table,
    )


def _several(names: tuple[str, ...], what: str, *more: str, alias: str | Text) -> Query:
    chosen = " OR ".join(is_("kpi", name) for name in names)
    return select(
        what,
        SITE,
        is_("scope_kind", "campus"),
        f"({chosen})",
        *more,
        TIME,
        of="kpi_hour",
        alias=alias,
    )


def so_far(names: tuple[str, ...], title: Text, *, unit: str, decimals: int, colour: str) -> Panel:
    """Return what was used since the range began, beside the same hours of a usual day."""
    return stat(
        title,
        Text(
            "从零点到现在的用量；右边是与平常同一时段相比多了或少了百分之几，"
            "多用 10% 变橙，多用 25% 变红。",
            "What was used since midnight; beside it, how many percent more or less than in"
            " the same hours of a usual day. Orange from 10 %, red from 25 % more.",
        ),
        _several(names, 'sum("value")', alias=Text("到现在", "so far")),
        _several(
            names,
            '100 * (sum("value") - sum("usual_median")) / sum("usual_median")',
            '"usual_median" > 0',
            alias=AGAINST,
        ),
        unit=unit,
        decimals=decimals,
        levels=((None, colour),),
        no_value=Text("还没有数据", "No data yet"),
        overrides=(
            column(
                AGAINST,
                unit="percent",
                decimals=0,
                thresholds=theme.thresholds(AGAINST_USUAL),
            ),
        ),
    )


AGAINST = Text("比平常", "against usual")
AGAINST_USUAL = theme.steps((10.0, theme.ORANGE), (25.0, theme.RED))


def against_band(
    name: str,
    title: Text,
    description: Text,
    *,
    unit: str | Text,
    colour: str,
    series: Text,
    period: str = "hour",
    **size: Any,
) -> Panel:
    """Return a KPI as a coloured line over its usual band in grey."""
    return chart(
        title,
        description,
        kpi(
            'mean("usual_low") AS "usual_low", mean("usual_high") AS "usual_high",'
            ' mean("value") AS "value"',
            name,
            period=period,
            group="time($__interval)",
            fill="none",
            alias="$col",
        ),
        unit=unit,
        colour=colour,
        overrides=usual_band(series, colour),
        step="1h" if period == "hour" else "1d",
        **size,
    )


def year_calendar(
    name: str, title: Text, description: Text, *, unit: str, colours: tuple[str, ...]
) -> Panel:
    """Return a calendar of days: a row for each weekday, a column for each week."""
    return calendar(
        title,
        description,
        kpi(
            'sum("value")',
            name,
            period="day",
            group='time(1w, 4d), "weekday"',
            fill="none",
            after="tz('${zone}')",
            alias="$tag_weekday",
        ),
        unit=unit,
        colours=colours,
        rows=words.weekday_rows(),
        time_from="53w",
        width=24,
        height=7,
    )


def day_by_hour(
    name: str, title: Text, description: Text, *, unit: str, colours: tuple[str, ...]
) -> Panel:
    """Return a row for each hour and a column for each of the last 28 days."""
    return calendar(
        title,
        description,
        kpi(
            'sum("value")',
            name,
            period="hour",
            group='time(1d), "hour"',
            fill="none",
            after="tz('${zone}')",
            alias="$tag_hour",
        ),
        unit=unit,
        colours=colours,
        rows=words.hour_rows(),
        time_from="28d",
        width=12,
        height=12,
    )


def open_incidents(*, width: int = 24, height: int = 8) -> Panel:
    """Return every open incident with its clocks; a click leads to its evidence."""
    common = '"id", "name", "rule", "severity_code", "state_code"'
    age = f'({_TO} - "opened_ms") / 1000'
    rest = f'{age} AS "age_s", {RECOVER_S} - {age} AS "recover_left_s"'
    source = "incident"
    evidence = [
        {
            "title": Text("看证据、确认", "See the evidence, acknowledge"),
            "url": "${page}/incidents/${__data.fields.id}",
            "targetBlank": True,
        }
    ]
    words_in = {"custom__cellOptions": {"type": "color-text"}}
    clock = {
        "unit": CLOCK,
        "custom__cellOptions": {"type": "color-text"},
        "thresholds": theme.thresholds(_LATE),
        "custom__width": 170,
    }
    answered = [
        {"type": "special", "options": {"match": "null", "result": {"text": ANSWERED}}},
    ]
    return table(
        Text("没有了结的事件", "Open incidents"),
        Text(
            "每件事：谁、出了什么事、已经多久；离 30 分钟内响应、2 小时内恢复还剩多少时间，"
            "负数是已经超时。"
            "点编号打开证据并确认。",
            "What happened where and for how long; the time left to answer within 30 minutes and to"
            " recover within 2 hours, negative when overdue. The number opens the evidence.",
        ),
        select(
            f'{common}, {ACKNOWLEDGE_S} - {age} AS "answer_left_s", {rest}',
            SITE,
            '"open" = 1',
            '"state_code" = 2',
            of=source,
            table=True,
        ),
        select(
            f"{common}, {rest}",
            SITE,
            '"open" = 1',
            '"state_code" > 2',
            of=source,
            table=True,
        ),
        order=(
            "id",
            "severity_code",
            "name",
            "rule",
            "state_code",
            "age_s",
            "answer_left_s",
            "recover_left_s",
        ),
        columns=(
            column("id", Text("编号", "No."), links=evidence, custom__width=70, decimals=0),
            column(
                "severity_code",
                Text("级别", "Level"),
                mappings=mapped(words.SEVERITY),
                custom__width=90,
                **words_in,
            ),
            column("name", Text("在哪里", "Where"), links=evidence),
            column("rule", Text("出了什么事", "What"), mappings=mapped(words.RULES)),
            column(
                "state_code",
                Text("到哪一步", "State"),
                mappings=mapped(words.STATE),
                custom__width=120,
                **words_in,
            ),
            column("age_s", Text("已经多久", "For how long"), unit=CLOCK, custom__width=150),
            column("answer_left_s", Text("响应还剩", "Left to answer"), mappings=answered, **clock),
            column("recover_left_s", Text("恢复还剩", "Left to recover"), **clock),
        ),
        sort="severity_code",
        merged=True,
        no_value=Text("没有未了结的事件", "No open incidents"),
        unit="none",
        width=width,
        height=height,
    )


ANSWERED = Text("已有人响应", "Answered")


def sentence() -> Panel:
    """Return the first line of a board: all is well, or how many things wait for somebody.

    It sums over every alarm ever raised, so that 0 means "all done" and nothing means "no data".
    """
    return stat(
        Text("现在", "Now"),
        Text(
            "没有了结的报警和紧急事件有几件；提醒不算。",
            "How many alarms and critical incidents are open; notices do not count.",
        ),
        select('sum("open")', SITE, '"severity_code" >= 2', of="incident"),
        unit=Text("suffix:件事现在要处理", "suffix:to act on now"),
        decimals=0,
        levels=theme.steps((1.0, theme.RED), base=theme.INK),
        background=True,
        words={"0": (Text("一切正常", "All is well"), theme.GREEN)},
        no_value=Text("还没有过报警", "No alarm so far"),
        width=12,
        height=4,
    )


def freshness() -> Panel:
    """Return how far the data lie behind; without any, the board says so instead of looking"
    " calm."""
    return stat(
        Text("数据延迟", "Data are behind by"),
        Text(
            "从设备上报到这里能看到，最慢的一段用了多久。超过 2 分钟变橙，"
            "超过 15 分钟变红；没有数字说明没有数据进来。",
            "How long the slowest part needs from a device's message to this board. Orange after 2"
            " minutes, red after 15; no figure means that nothing comes in.",
        ),
        select(
            'max("lag")',
            of='(SELECT last("lag_s") AS "lag" FROM "pipeline"'
            f' WHERE {SITE} AND {TIME} GROUP BY "part")',
        ),
        unit="s",
        decimals=0,
        levels=theme.steps((120.0, theme.ORANGE), (900.0, theme.RED)),
        no_value=Text("没有收到数据", "Nothing comes in"),
    )
