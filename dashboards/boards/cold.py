"""Cold storage: each unit in its band, excursions, the exposure clock, defrosts, doors, duty."""

from dashboards import theme, words
from dashboards.board import Board, Section
from dashboards.cold_parts import (
    EXPOSED,
    NO_COLD,
    UNIT,
    WHERE,
    fullest_clock,
    nearest_limit,
    units_now,
)
from dashboards.panels import Panel, chart, column, fixed, mapped, ranking, stat, states, table
from dashboards.parts import CLOCK, kpi, open_incidents
from dashboards.query import BUILDING, SITE, TIME, Query, select
from dashboards.text import Text
from dashboards.variables import buildings, cold_units


def _over_time(what: str, *, alias: str = "$tag_name", step: str = "$__interval") -> Query:
    return select(what, *WHERE, of=UNIT, group=f'time({step}), "name"', fill="none", alias=alias)


def _unit_chart() -> Panel:
    quiet = {"custom__hideFrom": {"legend": True, "tooltip": False, "viz": False}}
    return chart(
        Text("${device}", "${device}"),
        Text(
            "柜内和食品的温度；灰色是允许的范围，红色虚线是上限。短暂升高多半是开门或除霜。",
            "Air and food; grey is the allowed range, dashed red its limit. Short peaks are mostly"
            " doors or defrosts.",
        ),
        select(
            'mean("limit_lo_c") AS "limit_lo_c", mean("limit_hi_c") AS "limit_hi_c",'
            ' mean("air_c") AS "air_c", mean("food_c") AS "food_c"',
            *WHERE,
            of=UNIT,
            group="time($__interval)",
            fill="none",
            alias="$col",
        ),
        unit="celsius",
        colour=theme.CYAN,
        decimals=1,
        overrides=(
            column(
                "limit_lo_c",
                Text("下限", "lower limit"),
                color=fixed(theme.BAND),
                custom__lineWidth=0,
                custom__fillOpacity=0,
                **quiet,
            ),
            column(
                "limit_hi_c",
                Text("上限", "limit"),
                color=fixed(theme.RED),
                custom__lineWidth=1,
                custom__lineStyle={"fill": "dash", "dash": [6, 6]},
                custom__fillBelowTo="limit_lo_c",
                custom__fillOpacity=8,
            ),
            column("air_c", Text("柜内", "air"), color=fixed(theme.CYAN)),
            column(
                "food_c",
                Text("食品", "food"),
                color=fixed(theme.INK),
                custom__lineStyle={"fill": "dash", "dash": [4, 4]},
            ),
        ),
        repeat="device",
        width=12,
        height=8,
        step="1m",
        no_value=NO_COLD,
    )


def _excursions() -> Panel:
    evidence = [
        {
            "title": Text("看证据", "See the evidence"),
            "url": "${page}/incidents/${__data.fields.id}",
            "targetBlank": True,
        }
    ]
    return table(
        Text("超温记录", "Excursions"),
        Text(
            "最近 30 天冷藏设备的事件，多久有人响应、多久恢复。点编号看当时的温度曲线。",
            "Cold-storage incidents of the last 30 days: how soon somebody answered, how long it"
            " took. The number opens the curve of that hour.",
        ),
        select(
            '"id", "name", "rule", "severity_code", "state_code", "acknowledge_s", "recover_s"',
            SITE,
            BUILDING,
            '"rule" =~ /^(cold|food|hot)_/',
            TIME,
            of="incident",
            table=True,
        ),
        order=(
            "id",
            "Time",
            "name",
            "rule",
            "severity_code",
            "state_code",
            "acknowledge_s",
            "recover_s",
        ),
        columns=(
            column("id", Text("编号", "No."), links=evidence, custom__width=70, decimals=0),
            column("Time", Text("开始", "Began")),
            column("name", Text("设备", "Unit")),
            column("rule", Text("出了什么事", "What"), mappings=mapped(words.RULES)),
            column("severity_code", Text("级别", "Level"), mappings=mapped(words.SEVERITY)),
            column("state_code", Text("到哪一步", "State"), mappings=mapped(words.STATE)),
            column("acknowledge_s", Text("多久响应", "Answered after"), unit=CLOCK),
            column("recover_s", Text("多久恢复", "Recovered after"), unit=CLOCK),
        ),
        sort="Time",
        no_value=Text("最近 30 天没有超温", "No excursion in the last 30 days"),
        time_from="30d",
        width=16,
        height=9,
    )


COLD = Board(
    name="cold",
    title=Text("冷链", "Cold storage"),
    description=Text(
        "每台冷藏设备在不在允许的范围里，食品还能等多久，设备自己累不累。",
        "Is each unit in its range, how long can the food wait, and how hard does the unit work.",
    ),
    variables=(buildings("cold_unit"), cold_units()),
    since="now-24h",
    sections=(
        Section(
            None,
            (
                (
                    nearest_limit(),
                    fullest_clock(),
                    stat(
                        Text("在范围里的时间", "Time within limits"),
                        Text(
                            "这段时间所有设备在允许范围里的份额；没有数据的时间也算不合格。",
                            "Share of time that all units were within their limits; time without"
                            " data counts as not.",
                        ),
                        kpi('mean("value")', "cold_compliance_share", period="day"),
                        unit="percent",
                        decimals=1,
                        levels=theme.steps(
                            (97.0, theme.ORANGE), (99.2, theme.GREEN), base=theme.RED
                        ),
                        no_value=NO_COLD,
                        width=8,
                    ),
                ),
                (units_now(),),
            ),
        ),
        Section(Text("温度", "Temperatures"), ((_unit_chart(),),)),
        Section(
            Text("发生过什么", "What happened"),
            (
                (
                    _excursions(),
                    ranking(
                        Text("暴露时钟", "Exposure clocks"),
                        Text(
                            "每台设备的食品累计超温时间，占必须决定去留时间的百分之几。",
                            "Time that each unit's food was too warm, in percent of the time until"
                            " it must be decided on.",
                        ),
                        select(
                            '100 * last("exposure_min") / last("decision_min")',
                            *WHERE,
                            of=UNIT,
                            group='"name"',
                            alias="$tag_name",
                        ),
                        unit="percent",
                        levels=EXPOSED,
                        most=100,
                        height=9,
                        no_value=NO_COLD,
                    ),
                ),
                (open_incidents(height=7),),
            ),
        ),
        Section(
            Text("设备自己", "The units themselves"),
            (
                (
                    states(
                        Text("门", "Doors"),
                        Text(
                            "什么时候开着。开着超过 10 分钟会报警。",
                            "When it stood open. More than 10 minutes raise an alarm.",
                        ),
                        _over_time('max("door_open")'),
                        words=words.OPEN,
                        width=12,
                        step="1m",
                        no_value=Text("没有门磁", "No door contacts"),
                    ),
                    states(
                        Text("除霜", "Defrosts"),
                        Text(
                            "什么时候在除霜。越来越长，说明该清洁或检修。",
                            "When it defrosted. If they grow longer, it wants cleaning or service.",
                        ),
                        _over_time('max("defrost")'),
                        words=words.DEFROST,
                        width=12,
                        step="1m",
                        no_value=NO_COLD,
                    ),
                ),
                (
                    chart(
                        Text("每天除霜次数", "Defrosts by day"),
                        Text(
                            "每台设备每天开始除霜的次数；正常不超过 6 次。",
                            "How often each unit began to defrost; more than 6 a day is not"
                            " normal.",
                        ),
                        select(
                            'sum("start")',
                            '"start" > 0',
                            TIME,
                            of="("
                            + select(
                                'difference("defrost") AS "start"',
                                *WHERE,
                                of=UNIT,
                                group='"name"',
                            ).influxql
                            + ")",
                            group='time(1d), "name"',
                            fill="none",
                            after="tz('${zone}')",
                            alias="$tag_name",
                        ),
                        unit="none",
                        decimals=0,
                        many=True,
                        bars=True,
                        time_from="7d",
                        width=12,
                        no_value=Text("这几天没有除霜", "No defrost in these days"),
                    ),
                    chart(
                        Text("压缩机运转占比", "Compressor duty"),
                        Text(
                            "压缩机在转的时间份额。慢慢变高，说明冷凝器脏了或门封不严。",
                            "Share of time that the compressor runs. A slow rise speaks of a dirty"
                            " condenser or a leaking seal.",
                        ),
                        _over_time('100 * mean("duty")'),
                        unit="percent",
                        many=True,
                        time_from="7d",
                        step="1h",
                        width=12,
                        no_value=Text(
                            "没有功率或运转数据", "No power or running signal from the units"
                        ),
                    ),
                ),
            ),
        ),
    ),
)
