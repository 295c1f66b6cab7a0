"""The settings of one site as plain values; `caretaker.sitefile` reads them from TOML."""

from dataclasses import dataclass, field
from datetime import date, time
from zoneinfo import ZoneInfo

from caretaker.tariffs import Tariffs, TariffTable


@dataclass(frozen=True, slots=True)
class Building:
    """A building of the site; floor area in square metres, pupils taught in it."""

    id: str
    name: str
    area_m2: float = 0.0
    pupils: int = 0


@dataclass(frozen=True, slots=True)
class Area:
    """A place within a building."""

    id: str
    name: str
    building: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A school term, both days included; its head-counts, 0 where they are the site's."""

    start: date
    end: date
    pupils: int = 0
    staff: int = 0


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """When the school is open. `closed` and `opened` override the national calendar by day."""

    country: str = "CN"
    terms: tuple[Term, ...] = ()
    opens: time = time(7, 0)
    closes: time = time(18, 0)
    closed: tuple[date, ...] = ()
    opened: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class KpiSettings:
    """How KPIs are computed; the factor sets are in `caretaker.factors`.

    `carbon_kg_kwh` overrides the set (0: the set counts); `night_allowance_l_h` is water that may
    run at night (flushing urinals, boiler top-up) [L/h].
    """

    energy_factors: str = "CN-GB2589-2020"
    carbon_factors: str = "CN-national"
    carbon_kg_kwh: float = 0.0
    night_allowance_l_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a KPI should reach in a period; `scope` is empty for the campus, or a building's id."""

    kpi: str
    period: str
    value: float
    scope: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What the site file says of one device; it wins over the page."""

    key: str
    name: str = ""
    role: str = "other"
    building: str = ""
    area: str = ""
    parent: str = ""
    interval_s: int = 0
    limits: dict[str, float] = field(default_factory=dict)


RECEIVERS = ("gathered", "paho")
"""What may read from the broker: Caretaker's own client, or paho."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where messages come from. An empty `url` means the embedded broker."""

    url: str = ""
    kind: str = "auto"  # auto, nats, mosquitto: which embedded broker
    host: str = "127.0.0.1"
    port: int = 1883
    client_id: str = "caretaker"
    topics: tuple[str, ...] = ("#",)
    receiver: str = RECEIVERS[0]
    username: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class InfluxSettings:
    """Where long history is copied to for Grafana. An empty `url` means nowhere.

    `version` is auto, 1, 2, 3 or victoria. `bucket` (a database, in version 1 and 3) holds
    everything, unless `readings_bucket` keeps the raw readings apart with a retention of their
    own. A retention of 0 days is for ever. `ca_file` holds the authority of an own certificate.
    """

    url: str = ""
    version: str = "auto"
    bucket: str = "caretaker"
    org: str = "school"
    retention_days: int = 0
    readings_bucket: str = ""
    readings_retention_days: int = 0
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where the page and the API listen; beyond loopback only with `allow_remote`."""

    host: str = "127.0.0.1"
    port: int = 8420
    allow_remote: bool = False
    public_url: str = ""
    """What people open on their phones, e.g. https://caretaker.school.example; for links."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One notification channel: `kind` names its module, `options` are its own settings."""

    name: str
    kind: str
    severities: tuple[str, ...] = ("alarm", "critical")
    options: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is called. `contacts`: channel -> address there, the first is tried first.

    Level 1 is called first, 2 and 3 later, 4 is the principal or food-safety director.
    """

    id: str
    name: str = ""
    level: int = 1
    contacts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shift:
    """When people are on call; who stands in no shift always is. Past midnight: end < start.

    `on`: every, teaching (school days) or closed (weekends, holidays, vacation).
    """

    people: tuple[str, ...] = ()
    on: str = "every"
    start: time = time(0, 0)
    end: time = time(0, 0)


@dataclass(frozen=True, slots=True)
class CallTier:
    """After so many minutes without an acknowledgement these levels are called."""

    after_min: int
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is called when, until somebody acknowledges (rule-book 9.2)."""

    critical: tuple[CallTier, ...] = (CallTier(0, (1, 2)), CallTier(10, (3,)), CallTier(20, (4,)))
    alarm: tuple[CallTier, ...] = (CallTier(0, (1,)), CallTier(15, (2,)), CallTier(30, (3,)))
    notice: tuple[CallTier, ...] = (CallTier(0, (1,)),)
    repeat_min: int = 30
    reraise_min: int = 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When notices wait, and alarms that are not of cold storage; off while start is end."""

    start: time = time(0, 0)
    end: time = time(0, 0)


@dataclass(frozen=True, slots=True)
class Button:
    """A thing in the kitchen that acknowledges: any message on `topic` that holds `match`."""

    topic: str
    person: str
    match: str = ""
    building: str = ""


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """How Caretaker watches itself; `heartbeat_url` is called after each full round trip.

    `daily_note` is the local time of the daily note; midnight means none.
    """

    canary: bool = True
    every_s: int = 300
    heartbeat_url: str = ""
    heartbeat_private: bool = False
    daily_note: time = time(7, 30)


@dataclass(frozen=True, slots=True)
class Override:
    """A school's own number for a rule parameter: who set it and why, for whom, since when.

    `role` and `device` (a key) narrow it; empty means all.
    """

    parameter: str
    value: float
    author: str
    reason: str
    role: str = ""
    device: str = ""
    valid_from: date = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class MappingField:
    """One reading of a mapped message: where it stands, what it is, and its unit.

    An empty `path` means the whole payload. The unit `*` is written behind the number; `unit_at`
    is a path to the unit where the message names it elsewhere.
    """

    quantity: str
    unit: str = ""
    path: str = ""
    channel: str = ""
    unit_at: str = ""


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """What the messages of a topic mean, in a person's words; see docs/drivers.md.

    `zone` is that of times without one, `decimal` the sign in numbers written as text, `separator`
    what parts the values of a message that is text. `adds` lets the dialect that knows the topic be
    asked too; the mapping adds what it left out.
    """

    name: str
    topic: str
    fields: tuple[MappingField, ...] = ()
    device: str = ""
    device_at: str = ""
    time_at: str = ""
    zone: str = ""
    decimal: str = "."
    separator: str = ""
    adds: bool = False


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Everything the site file says."""

    id: str = "school"
    name: str = "学校"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    lang: str = "zh-CN"
    profile: str = "CN"
    pupils: int = 0
    staff: int = 0
    area_m2: float = 0.0
    school: str = ""
    district: str = ""
    buildings: tuple[Building, ...] = ()
    areas: tuple[Area, ...] = ()
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    tariffs: Tariffs = field(default_factory=Tariffs)
    tariff_tables: tuple[TariffTable, ...] = ()
    kpi: KpiSettings = field(default_factory=KpiSettings)
    targets: tuple[Target, ...] = ()
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    influx: InfluxSettings = field(default_factory=InfluxSettings)
    channels: tuple[ChannelSettings, ...] = (ChannelSettings(name="console", kind="console"),)
    people: tuple[Person, ...] = ()
    shifts: tuple[Shift, ...] = ()
    escalation: Escalation = field(default_factory=Escalation)
    quiet: QuietHours = field(default_factory=QuietHours)
    buttons: tuple[Button, ...] = ()
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    devices: tuple[DeviceSettings, ...] = ()
    mappings: tuple[MappingSettings, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
