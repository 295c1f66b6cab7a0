"""Response: how soon somebody answers, how soon it works again, what comes back."""

from typing import Any

from dashboards import theme, words
from dashboards.board import Board, Section
from dashboards.panels import Panel, chart, column, fixed, mapped, stat, table
from dashboards.parts import ACKNOWLEDGE_S, CLOCK, RECOVER_S, open_incidents
from dashboards.query import BUILDING, SITE, TIME, Query, select
from dashboards.text import Text
from dashboards.variables import buildings

_REAL = '"severity_code" >= 2'
_WHERE = (SITE, BUILDING, _REAL, TIME)
_PERCENT = theme.steps((80.0, theme.ORANGE), (95.0, theme.GREEN), base=theme.RED)
_CALM = Text("这段时间没有报警", "No alarms in this range")


def _within(field: str, limit_s: int, *, waiting: str) -> Query:
    """Return percent within the promise; an open incident that is past it counts as missed.

    InfluxQL has no condition within an aggregate, so each incident is turned into 1 or 0 first:
    ceil of a tiny positive number, or of a tiny negative one; 0 for each that is overdue.
    """
    met = f'"id", ceil(({limit_s}.5 - "{field}") / 1000000000) AS "met"'
    answered = select(met, *_WHERE, f'"{field}" >= 0', of="incident")
    overdue = select(
        '"id", 0 * "opened_ms" AS "met"',
        *_WHERE,
        '"open" = 1',
        waiting,
        f'"opened_ms" < ${{__to}} - {limit_s * 1000}',
        of="incident",
    )
    each = f"({answered.influxql}), ({overdue.influxql})"
    return select('100 * sum("met") / count("id")', of=each)


_UNANSWERED = '"state_code" < 3'
_STILL_BAD = '"state_code" < 4'


def _tile(title: Text, description: Text, query: Query, **look: Any) -> Panel:
    return stat(title, description, query, no_value=_CALM, width=4, **look)


_TILES = (
    stat(
        Text("现在已经超时", "Overdue now"),
        Text(
            "报警超过 30 分钟还没有人响应的，有几件。",
            "Alarms that nobody has answered for more than 30 minutes.",
        ),
        select(
            'count("id")',
            SITE,
            BUILDING,
            _REAL,
            '"open" = 1',
            '"state_code" = 2',
            f'"opened_ms" < ${{__to}} - {ACKNOWLEDGE_S * 1000}',
            of="incident",
        ),
        unit=Text("suffix:件", "none"),
        decimals=0,
        levels=theme.steps((1.0, theme.RED)),
        background=True,
        no_value=Text("没有超时", "None"),
        width=4,
    ),
    _tile(
        Text("30 分钟内响应", "Answered within 30 min"),
        Text(
            "应当响应的报警里，30 分钟内有人确认的份额；到现在没人理的算没做到。",
            "Share of alarms that somebody acknowledged within 30 minutes; one still unanswered"
            " counts as missed.",
        ),
        _within("acknowledge_s", ACKNOWLEDGE_S, waiting=_UNANSWERED),
        unit="percent",
        decimals=0,
        levels=_PERCENT,
    ),
    _tile(
        Text("2 小时内恢复", "Recovered within 2 h"),
        Text(
            "应当恢复的报警里，2 小时内数据恢复正常的份额；还没好的算没做到。",
            "Share of alarms whose data were normal again within 2 hours; one that is not counts as"
            " missed.",
        ),
        _within("recover_s", RECOVER_S, waiting=_STILL_BAD),
        unit="percent",
        decimals=0,
        levels=_PERCENT,
    ),
    _tile(
        Text("通常多久响应", "Usual time to answer"),
        Text(
            "从报警到有人确认的时间，取中间的一件。",
            "Time from alarm to acknowledgement, the one in the middle.",
        ),
        select('median("acknowledge_s")', *_WHERE, of="incident"),
        unit=CLOCK,
        levels=theme.steps((float(ACKNOWLEDGE_S), theme.RED)),
    ),
    _tile(
        Text("通常多久恢复", "Usual time to recover"),
        Text(
            "从报警到数据恢复正常的时间，取中间的一件。",
            "Time from alarm until the data were normal again, the one in the middle.",
        ),
        select('median("recover_s")', *_WHERE, of="incident"),
        unit=CLOCK,
        levels=theme.steps((float(RECOVER_S), theme.RED)),
    ),
    _tile(
        Text("最慢的一成", "Slowest tenth"),
        Text(
            "九成的报警比这更快恢复。",
            "Nine in ten alarms recovered sooner than this.",
        ),
        select('percentile("recover_s", 90)', *_WHERE, of="incident"),
        unit=CLOCK,
        levels=theme.steps((float(RECOVER_S), theme.RED)),
    ),
)


def _times(field: str, title: Text, description: Text, *, limit_s: int, name: Text) -> Panel:
    return chart(
        title,
        description,
        select(f'"{field}"', *_WHERE, of="incident", alias=name),
        unit=CLOCK,
        colour=theme.INK,
        limits=True,
        levels=((None, "transparent"), (float(limit_s), theme.RED)),
        custom={"drawStyle": "points", "showPoints": "always", "pointSize": 7},
        width=12,
        no_value=_CALM,
    )


_REPEATS = table(
    Text("反复出现的", "What comes back"),
    Text(
        "同一处同一原因在这段时间出现了几次。三次以上值得修根子，而不是再确认一次。",
        "How often the same cause came back at the same place. From three times on, mend the cause"
        " instead of acknowledging again.",
    ),
    select(
        'count("id") AS "times", median("recover_s") AS "usual_s"',
        SITE,
        BUILDING,
        TIME,
        of="incident",
        group='"name", "rule"',
        table=True,
    ),
    order=("name", "rule", "times", "usual_s"),
    columns=(
        column("name", Text("在哪里", "Where")),
        column("rule", Text("出了什么事", "What"), mappings=mapped(words.RULES)),
        column(
            "times",
            Text("次数", "Times"),
            decimals=0,
            thresholds=theme.thresholds(theme.steps((3.0, theme.ORANGE), base=theme.INK)),
            custom__cellOptions={"type": "color-text"},
        ),
        column("usual_s", Text("通常多久恢复", "Usual time to recover"), unit=CLOCK),
    ),
    sort="times",
    width=12,
    height=10,
    no_value=Text("这段时间没有事件", "No incidents in this range"),
)


def _daily(low: int, name: Text) -> Query:
    return select(
        'count("id")',
        SITE,
        BUILDING,
        f'"severity_code" = {low}',
        TIME,
        of="incident",
        group="time(1d)",
        fill="0",
        after="tz('${zone}')",
        alias=name,
    )


_LOAD = chart(
    Text("每天有几件事", "Incidents by day"),
    Text(
        "一所学校一天超过 5 次打扰，人就不再认真看报警了；那时先减少误报。",
        "With more than 5 interruptions a day, people stop taking alarms seriously; then make fewer"
        " of them first.",
    ),
    *(_daily(int(code), word) for code, (word, _) in words.SEVERITY.items()),
    unit="none",
    decimals=0,
    bars=True,
    custom={"stacking": {"mode": "normal", "group": "A"}},
    overrides=tuple(column(word, color=fixed(colour)) for word, colour in words.SEVERITY.values()),
    limits=True,
    levels=((None, "transparent"), (5.0, theme.ORANGE)),
    width=12,
    height=10,
    no_value=Text("这段时间没有事件", "No incidents in this range"),
)

RESPONSE = Board(
    name="response",
    title=Text("响应", "Response"),
    description=Text(
        "报警后多久有人管、多久修好，什么问题总是回来。",
        "How soon somebody answers and it works again, and which causes keep coming back.",
    ),
    variables=(buildings("incident"),),
    since="now-30d",
    sections=(
        Section(None, (_TILES, (open_incidents(),))),
        Section(
            Text("多快", "How fast"),
            (
                (
                    _times(
                        "acknowledge_s",
                        Text("每件报警多久有人响应", "Time to answer"),
                        Text(
                            "每点一件报警；虚线是 30 分钟。",
                            "A point for each alarm; the dashed line is 30 minutes.",
                        ),
                        limit_s=ACKNOWLEDGE_S,
                        name=Text("响应", "answer"),
                    ),
                    _times(
                        "recover_s",
                        Text("每件报警多久恢复", "Time to recover"),
                        Text(
                            "每点一件报警；虚线是 2 小时。",
                            "A point for each alarm; the dashed line is 2 hours.",
                        ),
                        limit_s=RECOVER_S,
                        name=Text("恢复", "recovery"),
                    ),
                ),
            ),
        ),
        Section(Text("为什么", "Why"), ((_REPEATS, _LOAD),)),
    ),
)
