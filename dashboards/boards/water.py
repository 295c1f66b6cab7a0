"""Water: what flows at night, what leaked so far and what it cost, who uses how much."""

from dashboards import theme
from dashboards.board import Board, Section
from dashboards.panels import chart, column, ranking, stat
from dashboards.parts import (
    AGAINST,
    AGAINST_USUAL,
    CNY,
    LPH,
    M3,
    against_band,
    day_by_hour,
    kpi,
    year_calendar,
)
from dashboards.query import BUILDING, SITE, TIME, is_, select
from dashboards.text import Text
from dashboards.variables import DEVICE, buildings, meters

_NIGHT = theme.steps((10.0, theme.ORANGE), (40.0, theme.RED))
_HOURS = theme.steps((1.0, theme.ORANGE), (24.0, theme.RED))
_LITRE = "litre"
_QUARTER = "90d"

_TILES = (
    stat(
        Text("用了多少", "Used"),
        Text(
            "这段时间的用水，和相同的日子平常用的比。",
            "Water in this time range, against what such days usually use.",
        ),
        kpi('sum("value")', "water_m3", period="day", alias=Text("用水", "used")),
        kpi(
            '100 * (sum("value") - sum("usual_median")) / sum("usual_median")',
            "water_m3",
            '"usual_median" > 0',
            period="day",
            alias=AGAINST,
        ),
        unit=M3,
        decimals=1,
        levels=((None, theme.BLUE),),
        overrides=(
            column(AGAINST, unit="percent", decimals=0, thresholds=theme.thresholds(AGAINST_USUAL)),
        ),
        width=8,
    ),
    stat(
        Text("夜间最小流量", "Least flow at night"),
        Text(
            "最近七夜里最小一小时的流量，应当接近零。一个漏水的马桶约 17 L/h。",
            "Least hourly flow over the last seven nights; it should be about zero. One running"
            " toilet is about 17 L/h.",
        ),
        kpi('last("value")', "water_night_l_h", period="day"),
        unit=LPH,
        decimals=0,
        levels=_NIGHT,
    ),
    stat(
        Text("漏水时长", "Hours of leaks"),
        Text(
            "这段时间里，有漏水事件没有了结的小时数，从第一个不正常的读数算起。",
            "Hours in this range during which a leak was open, from its first bad reading.",
        ),
        kpi('sum("value")', "water_leak_h", period="day"),
        unit="h",
        decimals=0,
        levels=_HOURS,
    ),
    stat(
        Text("漏掉的水", "Leaked"),
        Text(
            "这段时间的漏水事件，按各自的流量和时长算出来的水量。",
            "Water lost in this range: each leak's flow for as long as it lasted.",
        ),
        kpi('sum("value")', "water_leak_m3", period="day"),
        unit=M3,
        decimals=1,
        levels=theme.steps((0.5, theme.ORANGE), (10.0, theme.RED)),
    ),
    stat(
        Text("漏掉的钱", "Money leaked"),
        Text(
            "漏掉的水按水价算成钱。",
            "The leakage by the price of water.",
        ),
        kpi('sum("value")', "water_leak_cny", period="day"),
        unit=CNY,
        decimals=0,
        levels=theme.steps((2.0, theme.ORANGE), (40.0, theme.RED)),
    ),
)

WATER = Board(
    name="water",
    title=Text("用水", "Water"),
    description=Text(
        "夜里有没有水在流，到现在漏了多少、值多少钱，谁用得多。",
        "What flows at night, what leaked so far and what it cost, and who uses how much.",
    ),
    variables=(buildings(), meters("volume", Text("水表", "Meter"))),
    sections=(
        Section(
            None,
            (
                _TILES,
                (
                    against_band(
                        "water_m3",
                        Text("用水和平常的范围", "Water against its usual range"),
                        Text(
                            "每小时用水；灰色是同类日子同一小时平常的范围。",
                            "Water of each hour; grey is the usual range of that hour on"
                            " such days.",
                        ),
                        unit=M3,
                        colour=theme.BLUE,
                        series=Text("用水", "water"),
                        width=24,
                        height=9,
                    ),
                ),
            ),
        ),
        Section(
            Text("漏水", "Leaks"),
            (
                (
                    chart(
                        Text("每夜最小流量", "Least flow of each night"),
                        Text(
                            "虚线 10 L/h 以上值得看一眼，40 L/h 以上有东西坏了。",
                            "Above the dashed 10 L/h it is worth a look; above 40 L/h something is"
                            " broken.",
                        ),
                        kpi(
                            'mean("value")',
                            "water_night_l_h",
                            period="day",
                            group="time($__interval)",
                            fill="none",
                            alias=Text("夜间最小流量", "least night flow"),
                        ),
                        unit=LPH,
                        colour=theme.BLUE,
                        bars=True,
                        limits=True,
                        levels=((None, "transparent"), (10.0, theme.ORANGE), (40.0, theme.RED)),
                        step="1d",
                        time_from=_QUARTER,
                    ),
                    chart(
                        Text("漏水累计", "Leakage so far"),
                        Text(
                            "从这段时间开始到每一天，一共漏了多少立方米、多少钱。",
                            "What has leaked from the start of the range until each day, in m3 and"
                            " in money.",
                        ),
                        kpi(
                            'cumulative_sum(sum("value"))',
                            "water_leak_m3",
                            period="day",
                            group="time(1d)",
                            fill="none",
                            alias=Text("漏水", "leaked"),
                        ),
                        kpi(
                            'cumulative_sum(sum("value"))',
                            "water_leak_cny",
                            period="day",
                            group="time(1d)",
                            fill="none",
                            alias=Text("金额", "money"),
                        ),
                        unit=M3,
                        colour=theme.BLUE,
                        overrides=(
                            column(
                                Text("金额", "money"),
                                unit=CNY,
                                color={"mode": "fixed", "fixedColor": theme.ORANGE},
                                custom__axisPlacement="right",
                            ),
                        ),
                        time_from=_QUARTER,
                    ),
                    chart(
                        Text("每个学生每天", "Per pupil and day"),
                        Text(
                            "上课日每个学生用水多少升；线是定额。",
                            "Litres for each pupil by day; the line is the quota.",
                        ),
                        kpi(
                            'mean("value") AS "value", mean("target") AS "target"',
                            "water_l_pupil",
                            period="day",
                            group="time($__interval)",
                            fill="none",
                            alias="$col",
                        ),
                        unit=_LITRE,
                        colour=theme.BLUE,
                        bars=True,
                        overrides=(
                            column("value", Text("每个学生", "per pupil")),
                            column(
                                "target",
                                Text("定额", "quota"),
                                color={"mode": "fixed", "fixedColor": theme.RED},
                                custom__drawStyle="line",
                                custom__lineWidth=1,
                                custom__fillOpacity=0,
                            ),
                        ),
                        step="1d",
                        time_from=_QUARTER,
                    ),
                ),
                (
                    year_calendar(
                        "water_m3",
                        Text("一年的日历", "A year as a calendar"),
                        Text(
                            "每格一天，颜色越深用得越多。假期里的深色多半是漏水。",
                            "A cell a day, darker means more. Dark holidays are mostly leaks.",
                        ),
                        unit=M3,
                        colours=theme.BLUE_SHADES,
                    ),
                ),
            ),
        ),
        Section(
            Text("用在哪里，什么时候", "Where and when"),
            (
                (
                    day_by_hour(
                        "water_m3",
                        Text("最近四周，每天每小时", "The last four weeks by day and hour"),
                        Text(
                            "竖着是一天的 24 小时，横着是日子。整夜不变浅，就是一直在流。",
                            "Hours upward, days across. A night that never turns pale runs"
                            " through.",
                        ),
                        unit=M3,
                        colours=theme.BLUE_SHADES,
                    ),
                    ranking(
                        Text("各水表用水", "By zone"),
                        Text(
                            "所选水表在这段时间的用水；下级表的水也算在上级表里。",
                            "Water of the chosen meters in this range; what a meter downstream"
                            " counts, the one upstream counts too.",
                        ),
                        select(
                            'sum("amount")',
                            SITE,
                            BUILDING,
                            DEVICE,
                            is_("quantity", "volume"),
                            TIME,
                            of="rollup_1d",
                            group='"name"',
                            alias="$tag_name",
                        ),
                        unit=M3,
                        colour=theme.BLUE,
                        width=4,
                        height=12,
                    ),
                    chart(
                        Text("各水表每小时", "Each zone by hour"),
                        Text(
                            "所选水表每小时的用水；看看夜里是哪一路在流。",
                            "Hourly water of the chosen meters; see which one flows at night.",
                        ),
                        select(
                            'sum("amount")',
                            SITE,
                            BUILDING,
                            DEVICE,
                            is_("quantity", "volume"),
                            TIME,
                            of="rollup_1h",
                            group='time($__interval), "name"',
                            fill="none",
                            alias="$tag_name",
                        ),
                        unit=M3,
                        many=True,
                        step="1h",
                        width=8,
                        height=12,
                    ),
                ),
            ),
        ),
    ),
)
