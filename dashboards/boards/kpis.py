"""KPIs: every row by day, week, month or term; against target, last period, last year, others."""

from dashboards import theme, words
from dashboards.board import Board, Section
from dashboards.kpi_words import HIGHER_IS_BETTER, KPI_WORDS
from dashboards.panels import Json, Panel, chart, column, fixed, mapped, ranking, table
from dashboards.query import SITE, TIME, Query, is_, select
from dashboards.text import Text
from dashboards.variables import Variable

_PERIOD = r"/^${period:regex}$/"
_KPI = r'"kpi" =~ /^${kpi:regex}$/'
_CAMPUS = is_("scope_kind", "campus")
_NOT_YET = Text("这个周期还没有指标", "No KPI for this period yet")

PERIODS = Variable(
    "period",
    Text("周期", "Period"),
    choices=(
        ("kpi_day", Text("日", "Day")),
        ("kpi_week", Text("周", "Week")),
        ("kpi_month", Text("月", "Month")),
        ("kpi_term", Text("学期", "Term")),
    ),
)
CHOICE = Variable(
    "kpi",
    Text("指标", "KPI"),
    choices=tuple((name, label) for name, label in KPI_WORDS.items()),
)


_HIGHER = "|".join(HIGHER_IS_BETTER)
_WORSE_UP = theme.steps((5.0, theme.ORANGE), (20.0, theme.RED))
_WORSE_DOWN = theme.steps((-5.0, theme.ORANGE), (-1.0, theme.GREEN), base=theme.RED)


def _change(name: str, title: Text, levels: theme.Steps) -> Json:
    return column(
        name,
        title,
        unit="percent",
        decimals=0,
        custom__cellOptions={"type": "color-text"},
        thresholds=theme.thresholds(levels),
    )


def _rows(title: Text, which: str, levels: theme.Steps, *, height: int) -> Panel:
    """Return the newest period of the KPIs that a condition chooses, and what it is held against.

    `levels` colour the changes, since more is better for some and worse for others.
    """
    newest = select(
        'last("value") AS "value", "target", "previous", "last_year", "coverage",'
        ' "estimated_share", "enough"',
        SITE,
        _CAMPUS,
        which,
        TIME,
        of=_PERIOD,
        group='"kpi"',
    )
    return table(
        title,
        Text(
            "最近一个有数值的周期，进行中的算到现在。变化和上一周期比，同比和去年同期比；"
            "完整度低的不要下结论。",
            "The newest period with a value, a running one until now. Change is against the period"
            " before; draw no conclusion where coverage is low.",
        ),
        select(
            '"value", "target", 100 * ("value" - "previous") / "previous" AS "change",'
            ' 100 * ("value" - "last_year") / "last_year" AS "year", "previous", "last_year",'
            ' "coverage", "estimated_share", "enough"',
            of=f"({newest.influxql})",
            group='"kpi"',
            table=True,
        ),
        order=(
            "kpi",
            "Time",
            "value",
            "target",
            "previous",
            "change",
            "last_year",
            "year",
            "coverage",
            "estimated_share",
            "enough",
        ),
        columns=(
            column(
                "kpi",
                Text("指标", "KPI"),
                mappings=mapped({name: (label, "") for name, label in KPI_WORDS.items()}),
                custom__width=300,
            ),
            column("Time", Text("周期开始", "Period from"), unit="dateTimeAsLocal"),
            column("value", Text("数值", "Value"), decimals=2),
            column("target", Text("目标", "Target"), decimals=2),
            column("previous", Text("上一周期", "Period before"), decimals=2),
            _change("change", Text("变化", "Change"), levels),
            column("last_year", Text("去年同期", "Last year"), decimals=2),
            _change("year", Text("同比", "Against last year"), levels),
            column("coverage", Text("完整度", "Coverage"), unit="percentunit", decimals=0),
            column("estimated_share", Text("估算", "Estimated"), unit="percentunit", decimals=1),
            column(
                "enough",
                Text("可信吗", "Enough data"),
                mappings=mapped(words.ENOUGH),
                custom__cellOptions={"type": "color-text"},
            ),
        ),
        sort="kpi",
        descending=False,
        width=24,
        height=height,
        no_value=_NOT_YET,
    )


def _one() -> Panel:
    return chart(
        Text("所选指标的走势", "The chosen KPI over time"),
        Text(
            "柱子是每个周期，灰色是平常的范围，细线是去年同期，红线是目标。单位写在指标名里。",
            "A bar for each period; grey the usual range, the thin line last year, red the target."
            " The unit stands in the KPI's name.",
        ),
        select(
            '"usual_low", "usual_high", "value", "last_year", "target"',
            SITE,
            _CAMPUS,
            _KPI,
            TIME,
            of=_PERIOD,
            alias="$col",
        ),
        unit="none",
        decimals=2,
        bars=True,
        colour=theme.GREEN,
        overrides=(
            column(
                "usual_low",
                Text("平常最低", "usual low"),
                color=fixed(theme.BAND),
                custom__drawStyle="line",
                custom__lineWidth=0,
                custom__fillOpacity=0,
            ),
            column(
                "usual_high",
                Text("平常最高", "usual high"),
                color=fixed(theme.BAND),
                custom__drawStyle="line",
                custom__lineWidth=0,
                custom__fillBelowTo="usual_low",
                custom__fillOpacity=theme.BAND_OPACITY,
            ),
            column("value", Text("数值", "value")),
            column(
                "last_year",
                Text("去年同期", "last year"),
                color=fixed(theme.INK),
                custom__drawStyle="line",
                custom__lineWidth=1,
                custom__fillOpacity=0,
            ),
            column(
                "target",
                Text("目标", "target"),
                color=fixed(theme.RED),
                custom__drawStyle="line",
                custom__lineWidth=1,
                custom__fillOpacity=0,
            ),
        ),
        width=24,
        height=10,
        no_value=_NOT_YET,
    )


def _across(kpi: str) -> Query:
    return select(
        'last("value")',
        _CAMPUS,
        is_("kpi", kpi),
        TIME,
        of=_PERIOD,
        group='"site", "scope_name"',
        alias="$tag_scope_name",
    )


def _fair(kpi: str, title: Text, *, unit: str, colour: str) -> Panel:
    return ranking(
        title,
        Text(
            "各校区最近一个周期，按学生数或建筑面积折算，大校小校才好比。",
            "Each campus in the newest period, by pupil or floor area, so that large and small"
            " compare fairly.",
        ),
        _across(kpi),
        unit=unit,
        colour=colour,
        decimals=2,
        no_value=_NOT_YET,
    )


KPIS = Board(
    name="kpis",
    title=Text("指标", "KPIs"),
    description=Text(
        "每个指标按日、周、月、学期；和目标、上一周期、去年比；校区之间公平地比。",
        "Each KPI by day, week, month and term; against target, the period before, last year; and"
        " campus against campus, fairly.",
    ),
    variables=(PERIODS, CHOICE),
    since="now-1y",
    refresh="5m",
    sections=(
        Section(
            None,
            (
                (
                    _rows(
                        Text("越低越好的", "Lower is better"),
                        f'"kpi" !~ /^({_HIGHER})$/',
                        _WORSE_UP,
                        height=16,
                    ),
                ),
                (
                    _rows(
                        Text("越高越好的", "Higher is better"),
                        f'"kpi" =~ /^({_HIGHER})$/',
                        _WORSE_DOWN,
                        height=8,
                    ),
                ),
                (_one(),),
            ),
        ),
        Section(
            Text("校区之间", "Campus against campus"),
            (
                (
                    _fair(
                        "electricity_kwh_pupil",
                        Text("每个学生用电", "Electricity per pupil"),
                        unit="kwatth",
                        colour=theme.AMBER,
                    ),
                    _fair(
                        "electricity_kwh_m2",
                        Text("每平方米用电", "Electricity per m²"),
                        unit="kwatth",
                        colour=theme.AMBER,
                    ),
                    _fair(
                        "water_l_pupil",
                        Text("每个学生用水", "Water per pupil"),
                        unit="suffix:L",
                        colour=theme.BLUE,
                    ),
                ),
            ),
        ),
    ),
)
