"""Electricity: is the load as expected, what runs out of hours, where does it go."""

from dashboards import theme
from dashboards.board import Board, Section
from dashboards.panels import chart, column, fixed, ranking, stat
from dashboards.parts import (
    AGAINST,
    AGAINST_USUAL,
    KWH,
    against_band,
    day_by_hour,
    kpi,
    year_calendar,
)
from dashboards.query import BUILDING, SITE, TIME, is_, select
from dashboards.text import Text
from dashboards.variables import DEVICE, buildings, meters

_SHARE = theme.steps((50.0, theme.ORANGE), (55.0, theme.RED))
_FACTOR = theme.steps((0.85, theme.ORANGE), (0.9, theme.GREEN), base=theme.RED)

_TILES = (
    stat(
        Text("用了多少", "Used"),
        Text(
            "这段时间的用电，和相同的日子平常用的比。",
            "Electricity in this time range, against what such days usually use.",
        ),
        kpi('sum("value")', "electricity_kwh", period="day", alias=Text("用电", "used")),
        kpi(
            '100 * (sum("value") - sum("usual_median")) / sum("usual_median")',
            "electricity_kwh",
            '"usual_median" > 0',
            period="day",
            alias=AGAINST,
        ),
        unit=KWH,
        decimals=0,
        levels=((None, theme.AMBER),),
        overrides=(
            column(AGAINST, unit="percent", decimals=0, thresholds=theme.thresholds(AGAINST_USUAL)),
        ),
        width=8,
    ),
    stat(
        Text("放学后和周末的份额", "Out of hours"),
        Text(
            "最近一周关校时间用掉的电占全部的百分比。做得好的学校低于 50%，55% 以上值得查。",
            "Share of the newest week's electricity used while the school was closed. Good schools"
            " stay below 50 %; from 55 % it is worth a search.",
        ),
        kpi('last("value")', "electricity_out_of_hours_share", period="week"),
        unit="percent",
        decimals=0,
        levels=_SHARE,
        time_from="3w",
    ),
    stat(
        Text("底荷", "Base load"),
        Text(
            "一天里最低四个小时的平均功率：没人时也一直开着的东西。",
            "Mean power of the four lowest hours of a day: what runs although nobody is there.",
        ),
        kpi('median("value")', "electricity_base_kw", period="day"),
        unit="kwatt",
        decimals=1,
        levels=((None, theme.AMBER),),
    ),
    stat(
        Text("最高负荷", "Peak"),
        Text(
            "这段时间最高的 15 分钟平均功率，是定容量和需量电费的依据。",
            "Highest mean power of 15 minutes in this range; capacity and demand charges go by it.",
        ),
        kpi('max("value")', "electricity_peak_kw", period="day"),
        unit="kwatt",
        decimals=1,
        levels=((None, theme.AMBER),),
    ),
    stat(
        Text("功率因数", "Power factor"),
        Text(
            "本月的功率因数。0.90 以上不罚款；低于 0.85 请检查补偿电容。",
            "This month's. From 0.90 on nothing is charged; below 0.85 check the compensation.",
        ),
        kpi('last("value")', "power_factor", period="month"),
        unit="none",
        decimals=2,
        levels=_FACTOR,
        time_from="62d",
        no_value=Text("电表不报功率因数", "No meter reports it"),
    ),
)

_TREND = "90d"
_OF_CAPACITY = Text("占容量", "of capacity")

ELECTRICITY = Board(
    name="electricity",
    title=Text("用电", "Electricity"),
    description=Text(
        "负荷是不是在平常的范围里，没人的时候用了多少，用在哪里。",
        "Is the load as usual, what is used when nobody is there, and where does it go.",
    ),
    variables=(buildings(), meters("energy", Text("电表", "Meter"))),
    sections=(
        Section(
            None,
            (
                _TILES,
                (
                    against_band(
                        "electricity_kwh",
                        Text("负荷和平常的范围", "Load against its usual range"),
                        Text(
                            "每小时平均负荷；灰色是同类日子同一小时平常的范围。",
                            "Mean load of each hour; grey is the usual range of that hour on such"
                            " days.",
                        ),
                        unit="kwatt",
                        colour=theme.AMBER,
                        series=Text("负荷", "load"),
                        width=24,
                        height=9,
                    ),
                ),
            ),
        ),
        Section(
            Text("没人的时候", "When nobody is there"),
            (
                (
                    chart(
                        Text("放学后和周末的份额", "Out-of-hours share"),
                        Text(
                            "每周关校时间的用电占比；虚线是 50%（好）和 55%（一般）。",
                            "Share used while closed, by week; dashed: 50 % is good, 55 % common.",
                        ),
                        kpi(
                            '"value"',
                            "electricity_out_of_hours_share",
                            period="week",
                            alias=Text("关校时间", "closed hours"),
                        ),
                        unit="percent",
                        colour=theme.AMBER,
                        bars=True,
                        limits=True,
                        levels=((None, "transparent"), (50.0, theme.ORANGE), (55.0, theme.RED)),
                        time_from="53w",
                    ),
                    against_band(
                        "electricity_base_kw",
                        Text("底荷走势", "Base load over the last quarter"),
                        Text(
                            "每天最低四小时的平均功率。慢慢变高，说明有东西一直没关。",
                            "Mean power of each day's four lowest hours. A slow rise means that"
                            " something stays on.",
                        ),
                        unit="kwatt",
                        colour=theme.AMBER,
                        series=Text("底荷", "base load"),
                        period="day",
                        time_from=_TREND,
                    ),
                    chart(
                        Text("最高负荷和容量", "Peak and capacity"),
                        Text(
                            "每天最高的 15 分钟功率；细线是占约定容量的百分比，"
                            "过了 90% 就没有一成余量，要错峰或申请增容。",
                            "Each day's highest 15 minutes; the thin line is its share of"
                            " the agreed capacity. Past 90 % the margin of a tenth is gone:"
                            " shift loads or ask for more.",
                        ),
                        kpi(
                            'max("value")',
                            "electricity_peak_kw",
                            period="day",
                            group="time($__interval)",
                            fill="none",
                            alias=Text("最高", "peak"),
                        ),
                        kpi(
                            'max("value")',
                            "electricity_capacity_share",
                            period="day",
                            group="time($__interval)",
                            fill="none",
                            alias=_OF_CAPACITY,
                        ),
                        unit="kwatt",
                        colour=theme.AMBER,
                        bars=True,
                        overrides=(
                            column(
                                _OF_CAPACITY,
                                unit="percent",
                                color=fixed(theme.RED),
                                custom__drawStyle="line",
                                custom__lineWidth=1,
                                custom__fillOpacity=0,
                                custom__axisPlacement="right",
                            ),
                        ),
                        step="1d",
                        time_from=_TREND,
                    ),
                ),
                (
                    year_calendar(
                        "electricity_kwh",
                        Text("一年的日历", "A year as a calendar"),
                        Text(
                            "每格一天，颜色越深用得越多。周末和假期应当是浅的。",
                            "A cell a day, darker means more. Weekends and holidays should"
                            " be pale.",
                        ),
                        unit=KWH,
                        colours=theme.AMBER_SHADES,
                    ),
                ),
            ),
        ),
        Section(
            Text("用在哪里，什么时候", "Where and when"),
            (
                (
                    day_by_hour(
                        "electricity_kwh",
                        Text("最近四周，每天每小时", "The last four weeks by day and hour"),
                        Text(
                            "竖着是一天的 24 小时，横着是日子。夜里和周末的深色就是没关的东西。",
                            "Hours upward, days across. Dark nights and weekends are what was left"
                            " on.",
                        ),
                        unit=KWH,
                        colours=theme.AMBER_SHADES,
                    ),
                    ranking(
                        Text("各楼用电", "By building"),
                        Text(
                            "这段时间每栋楼的用电。", "Electricity of each building in this range."
                        ),
                        kpi(
                            'sum("value")',
                            "electricity_kwh",
                            period="day",
                            scope="building",
                            group='"scope_name"',
                            alias="$tag_scope_name",
                        ),
                        unit=KWH,
                        colour=theme.AMBER,
                        width=6,
                        height=12,
                    ),
                    ranking(
                        Text("各电表用电", "By meter"),
                        Text(
                            "所选楼和电表在这段时间的用电；下级表的电也算在上级表里。",
                            "Electricity of the chosen meters in this range; what a meter"
                            " downstream counts, the one upstream counts too.",
                        ),
                        select(
                            'sum("amount")',
                            SITE,
                            BUILDING,
                            DEVICE,
                            is_("quantity", "energy"),
                            TIME,
                            of="rollup_1d",
                            group='"name"',
                            alias="$tag_name",
                        ),
                        unit=KWH,
                        colour=theme.AMBER,
                        width=6,
                        height=12,
                    ),
                ),
                (
                    chart(
                        Text("各电表负荷", "Load by meter"),
                        Text(
                            "所选电表每小时的用电，选几只表来比较。",
                            "Hourly electricity of the chosen meters; choose a few to compare.",
                        ),
                        select(
                            'sum("amount")',
                            SITE,
                            BUILDING,
                            DEVICE,
                            is_("quantity", "energy"),
                            TIME,
                            of="rollup_1h",
                            group='time($__interval), "name"',
                            fill="none",
                            alias="$tag_name",
                        ),
                        unit=KWH,
                        many=True,
                        step="1h",
                        width=16,
                        height=9,
                    ),
                    chart(
                        Text("功率因数走势", "Power factor"),
                        Text(
                            "每天的功率因数：按有功和无功电量算的，和各电表自己报的平均值。"
                            "虚线是 0.90，长期低于它要交力调电费。",
                            "Power factor by day: from active and reactive energy as it is billed,"
                            " and the mean of what meters report. Below the dashed 0.90 for"
                            " long, it is charged.",
                        ),
                        kpi(
                            'mean("value")',
                            "power_factor",
                            period="day",
                            group="time($__interval)",
                            fill="none",
                            alias=Text("按电量算", "from energy"),
                        ),
                        select(
                            'mean("mean")',
                            SITE,
                            BUILDING,
                            DEVICE,
                            is_("quantity", "power_factor"),
                            TIME,
                            of="rollup_1d",
                            group='time($__interval), "name"',
                            fill="none",
                            alias="$tag_name",
                        ),
                        unit="none",
                        decimals=2,
                        many=True,
                        limits=True,
                        levels=((None, "transparent"), (0.9, theme.RED)),
                        step="1d",
                        time_from=_TREND,
                        height=9,
                        no_value=Text("电表不报功率因数", "No meter reports it"),
                    ),
                ),
            ),
        ),
    ),
)
