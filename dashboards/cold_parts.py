"""What is shown of cold storage on more than one board."""

from dashboards import theme, words
from dashboards.panels import Panel, column, mapped, stat, table
from dashboards.query import BUILDING, SITE, TIME, select
from dashboards.text import Text
from dashboards.variables import DEVICE

UNIT = "cold_unit"
WHERE = (SITE, BUILDING, DEVICE, TIME)
NO_COLD = Text("没有冷藏设备的数据", "No data from cold storage")
MARGIN = theme.steps((0.0, theme.ORANGE), (1.0, theme.GREEN), base=theme.RED)
EXPOSED = theme.steps((25.0, theme.ORANGE), (75.0, theme.RED))


def _last(*fields: str, group: str) -> str:
    """Return the subquery of each unit's newest reading of air with what came with it."""
    what = 'last("air_c") AS "air_c"' + "".join(f', "{field}"' for field in fields)
    return f"({select(what, *WHERE, of=UNIT, group=group).influxql})"


def nearest_limit() -> Panel:
    """Return the unit nearest to its upper limit, below zero when one is too warm."""
    inner = _last("limit_hi_c", group='"name"')
    margin = select('"limit_hi_c" - "air_c" AS "margin"', of=inner, group='"name"').influxql
    return stat(
        Text("冷链离上限最近还差", "Cold storage: room to the limit"),
        Text(
            "离上限最近的那台设备还差多少度。负数是已经超温。",
            "How far the unit nearest to its limit is from it. Negative: one is too warm.",
        ),
        select('min("margin")', of=f"({margin})"),
        unit="celsius",
        decimals=1,
        levels=MARGIN,
        background=True,
        no_value=NO_COLD,
        width=8,
    )


def units_now(*, height: int = 9) -> Panel:
    """Return each unit's last reading with its limits, its exposure clock and how old it is."""
    inner = _last(
        "food_c",
        "limit_hi_c",
        "limit_lo_c",
        "exposure_min",
        "decision_min",
        "door_open",
        "defrost",
        group='"name", "role"',
    )
    return table(
        Text("每台设备", "Each unit"),
        Text(
            "最近一次读数。余量是离上限还差多少度；暴露时钟是食品累计超温的时间，"
            "到了 100% 就要决定食品去留。",
            "The newest reading. Room is how far the air is from its limit; the exposure"
            " clock counts how long food was too warm, at 100 % it must be decided on.",
        ),
        select(
            '"air_c", "food_c", "limit_hi_c", "limit_hi_c" - "air_c" AS "margin",'
            ' 100 * "exposure_min" / "decision_min" AS "exposed",'
            ' "decision_min" - "exposure_min" AS "left_min", "door_open", "defrost"',
            of=inner,
            group='"name", "role"',
            table=True,
        ),
        order=(
            "name",
            "role",
            "air_c",
            "food_c",
            "limit_hi_c",
            "margin",
            "exposed",
            "left_min",
            "door_open",
            "defrost",
            "Time",
        ),
        columns=(
            column("name", Text("设备", "Unit")),
            column("role", Text("种类", "Kind"), mappings=mapped(words.ROLES)),
            column("air_c", Text("柜内", "Air"), unit="celsius", decimals=1),
            column("food_c", Text("食品", "Food"), unit="celsius", decimals=1),
            column("limit_hi_c", Text("上限", "Limit"), unit="celsius", decimals=1),
            column(
                "margin",
                Text("余量", "Room"),
                unit="celsius",
                decimals=1,
                thresholds=theme.thresholds(MARGIN),
                custom__cellOptions={"type": "color-text"},
            ),
            column(
                "exposed",
                Text("暴露时钟", "Exposure clock"),
                unit="percent",
                decimals=0,
                min=0,
                max=100,
                thresholds=theme.thresholds(EXPOSED),
                custom__cellOptions={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            ),
            column("left_min", Text("离决定还有", "Until a decision"), unit="m", decimals=0),
            column("door_open", Text("门", "Door"), mappings=mapped(words.OPEN)),
            column("defrost", Text("除霜", "Defrost"), mappings=mapped(words.DEFROST)),
            column("Time", Text("读数", "Read"), unit="dateTimeFromNow"),
        ),
        sort="margin",
        descending=False,
        no_value=NO_COLD,
        width=24,
        height=height,
    )


def fullest_clock() -> Panel:
    """Return the highest exposure clock of all units, in percent of the decision time."""
    return stat(
        Text("最满的暴露时钟", "Fullest exposure clock"),
        Text(
            "食品累计超温的时间占必须决定去留时间的百分之几，取最高的一台。75% 要马上转移。",
            "Time food was too warm, in percent of the time until it must be"
            " decided on; the worst unit. Move the food from 75 %.",
        ),
        select(
            'max("exposed")',
            of="("
            + select(
                '100 * "exposure_min" / "decision_min" AS "exposed"',
                of=_last("exposure_min", "decision_min", group='"name"'),
                group='"name"',
            ).influxql
            + ")",
        ),
        unit="percent",
        decimals=0,
        levels=EXPOSED,
        no_value=NO_COLD,
        width=8,
    )
