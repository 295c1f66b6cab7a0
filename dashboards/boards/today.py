"""Campus today: is everything all right, what now, and how is today against a usual day."""

from dashboards import theme
from dashboards.board import Board, Section
from dashboards.cold_parts import nearest_limit, units_now
from dashboards.parts import (
    CNY,
    CO2,
    KWH,
    M3,
    against_band,
    freshness,
    open_incidents,
    sentence,
    so_far,
)
from dashboards.text import Text
from dashboards.variables import buildings, cold_units

_LOAD = Text(
    "每小时平均负荷，灰色是相同时段平常的范围。高出灰色就是多用了。",
    "Mean load of each hour; grey is what is usual at that time. Above the grey, more is used.",
)
_FLOW = Text(
    "每小时用水，灰色是相同时段平常的范围。夜里不回到接近零，就是有水在流。",
    "Water of each hour; grey is what is usual at that time. If it does not fall to about zero at"
    " night, something runs.",
)

TODAY = Board(
    name="today",
    title=Text("今日校园", "Campus today"),
    description=Text(
        "是不是一切正常，现在要做什么，今天和平常的一天比怎么样。",
        "Is everything all right, what must be done now, and how is today against a usual day.",
    ),
    variables=(buildings("cold_unit"), cold_units()),
    since="now/d",
    refresh="30s",
    sections=(
        Section(
            None,
            (
                (sentence(), nearest_limit().sized(8, 4), freshness()),
                (open_incidents(height=7),),
            ),
        ),
        Section(
            Text("今天到现在", "Today so far"),
            (
                (
                    so_far(
                        ("electricity_kwh",),
                        Text("用电", "Electricity"),
                        unit=KWH,
                        decimals=0,
                        colour=theme.AMBER,
                    ).sized(6, 4),
                    so_far(
                        ("water_m3",), Text("用水", "Water"), unit=M3, decimals=1, colour=theme.BLUE
                    ).sized(6, 4),
                    so_far(
                        ("electricity_cny", "water_cny"),
                        Text("电费和水费", "Cost of both"),
                        unit=CNY,
                        decimals=0,
                        colour=theme.INK,
                    ).sized(6, 4),
                    so_far(
                        ("carbon_kg",),
                        Text("碳排放", "Carbon"),
                        unit=CO2,
                        decimals=0,
                        colour=theme.INK,
                    ).sized(6, 4),
                ),
                (
                    against_band(
                        "electricity_kwh",
                        Text("用电和平常比", "Electricity against a usual day"),
                        _LOAD,
                        unit="kwatt",
                        colour=theme.AMBER,
                        series=Text("负荷", "load"),
                        width=12,
                        height=8,
                    ),
                    against_band(
                        "water_m3",
                        Text("用水和平常比", "Water against a usual day"),
                        _FLOW,
                        unit=M3,
                        colour=theme.BLUE,
                        series=Text("用水", "water"),
                        width=12,
                        height=8,
                    ),
                ),
            ),
        ),
        Section(Text("食堂冷链", "Cold storage"), ((units_now(height=8),),)),
    ),
)
