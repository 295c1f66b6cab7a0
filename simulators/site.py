"""The demo's school: its site, its devices, and how each of them speaks."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from caretaker.config import (
    Area,
    Building,
    CalendarSettings,
    DeviceSettings,
    SiteSettings,
    Target,
    Term,
)
from caretaker.tariffs import Tariffs
from caretaker.vocabulary import DeviceRole

SITE = "demo"


class Dialect(StrEnum):
    """What a device speaks over MQTT."""

    NATIVE = "native"
    TASMOTA = "tasmota"
    SHELLY = "shelly"
    WMBUSMETERS = "wmbusmeters"
    ZIGBEE2MQTT = "zigbee2mqtt"


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device: `id` within the simulation, `native` as its own dialect names it."""

    id: str
    name: str
    role: DeviceRole
    dialect: Dialect
    native: str = ""
    building: str = ""
    area: str = ""
    parent: str = ""
    adopted: bool = True
    history_s: int = 900
    live_s: int = 60
    capacity: float = 1e6  # where the register starts again at zero

    @property
    def key(self) -> str:
        """Caretaker's key of the device."""
        name = self.native or self.id
        return (
            f"native:{SITE}/{name}" if self.dialect is Dialect.NATIVE else f"{self.dialect}:{name}"
        )

    @property
    def topics(self) -> tuple[str, ...]:
        """The MQTT filters the device publishes to."""
        name = self.native or self.id
        return {
            Dialect.NATIVE: (f"caretaker/1/{SITE}/{name}/#",),
            Dialect.TASMOTA: (f"tele/{name}/#", f"stat/{name}/#", f"cmnd/{name}/#"),
            Dialect.SHELLY: (f"{name}/#",),
            Dialect.WMBUSMETERS: (f"wmbusmeters/{name}",),
            Dialect.ZIGBEE2MQTT: (f"zigbee2mqtt/{name}/#", f"zigbee2mqtt/{name}"),
        }[self.dialect]


_E, _W, _R = DeviceRole.ELECTRICITY, DeviceRole.WATER, DeviceRole.ROOM
_D = Dialect

DEVICES: tuple[DeviceSpec, ...] = (
    DeviceSpec("main", "总电表", _E, _D.SHELLY, native="shellypro3em-a0dd00e1f201", area="power"),
    DeviceSpec("teaching-a", "教学楼A电表", _E, _D.NATIVE, building="a", parent="main"),
    DeviceSpec("teaching-b", "教学楼B电表", _E, _D.NATIVE, building="b", parent="main"),
    DeviceSpec("canteen-hall", "综合楼电表", _E, _D.NATIVE, building="c", parent="main"),
    DeviceSpec("canteen-kitchen", "食堂电表", _E, _D.TASMOTA, native="canteen_kitchen",
               building="c", area="kitchen", parent="canteen-hall"),
    DeviceSpec("air-conditioning", "空调电表", _E, _D.NATIVE, building="", parent="main"),
    DeviceSpec("water-main", "总水表", _W, _D.WMBUSMETERS, native="70030201", area="power"),
    DeviceSpec("toilets", "厕所水表", _W, _D.NATIVE, building="a", parent="water-main"),
    DeviceSpec("irrigation", "绿化水表", _W, _D.NATIVE, parent="water-main", capacity=10_000.0),
    DeviceSpec("canteen-water", "食堂水表", _W, _D.WMBUSMETERS, native="70030204",
               building="c", area="kitchen", parent="water-main"),
    DeviceSpec("room-101", "一年级1班", _R, _D.ZIGBEE2MQTT, native="room_101", building="a",
               live_s=120),
    DeviceSpec("room-102", "一年级2班", _R, _D.ZIGBEE2MQTT, native="room_102", building="a",
               live_s=120),
    DeviceSpec("computer-room", "计算机教室", _R, _D.NATIVE, building="b", live_s=120),
    DeviceSpec("dining-hall", "餐厅", _R, _D.ZIGBEE2MQTT, native="dining_hall", building="c",
               live_s=120),
    DeviceSpec("outdoor", "室外温度", DeviceRole.OTHER, _D.NATIVE, area="outdoor", live_s=300),
    DeviceSpec("fridge-1", "冷藏柜1号", DeviceRole.FRIDGE, _D.NATIVE, building="c",
               area="cold", history_s=300, live_s=30),
    DeviceSpec("fridge-2", "冷藏柜2号", DeviceRole.FRIDGE, _D.NATIVE, building="c",
               area="cold", history_s=300, live_s=30),
    DeviceSpec("freezer-1", "冷冻柜", DeviceRole.FREEZER, _D.NATIVE, building="c",
               area="cold", history_s=300, live_s=30),
    DeviceSpec("sample-fridge", "食品留样柜", DeviceRole.SAMPLE_FRIDGE, _D.TASMOTA,
               native="sample_fridge", building="c", area="cold", history_s=300, live_s=30),
    DeviceSpec("cold-room-door", "冷库间门", DeviceRole.DOOR, _D.ZIGBEE2MQTT,
               native="cold_room_door", building="c", area="cold", live_s=120),
    DeviceSpec("library", "图书馆", _R, _D.ZIGBEE2MQTT, native="library", adopted=False,
               live_s=120),
    DeviceSpec("water-heater", "开水器", _E, _D.TASMOTA, native="water_heater", adopted=False),
)  # fmt: skip
"""Everything that publishes; two devices are heard and not adopted, for the inbox."""

BY_ID = {spec.id: spec for spec in DEVICES}


def device_settings() -> tuple[DeviceSettings, ...]:
    """Return the adopted devices as a site file would describe them."""
    return tuple(
        DeviceSettings(
            key=spec.key,
            name=spec.name,
            role=spec.role.value,
            building=spec.building,
            area=spec.area,
            parent=BY_ID[spec.parent].key if spec.parent else "",
            interval_s=spec.history_s,
        )
        for spec in DEVICES
        if spec.adopted
    )


def demo_site() -> SiteSettings:
    """Return the settings of the demo's school."""
    return SiteSettings(
        id=SITE,
        name="梧桐小学",
        zone=ZoneInfo("Asia/Shanghai"),
        pupils=600,
        staff=42,
        area_m2=9_800.0,
        buildings=(
            Building("a", "教学楼A", 3_600.0),
            Building("b", "教学楼B", 3_400.0),
            Building("c", "综合楼", 2_800.0),
        ),
        areas=(
            Area("kitchen", "食堂后厨", "c"),
            Area("cold", "冷库间", "c"),
            Area("power", "配电与水表间"),
            Area("outdoor", "室外"),
        ),
        calendar=CalendarSettings(
            terms=(
                Term(date(2025, 9, 1), date(2026, 1, 23)),
                Term(date(2026, 3, 2), date(2026, 7, 3)),
                Term(date(2026, 9, 1), date(2027, 1, 22)),
                Term(date(2027, 3, 1), date(2027, 7, 2)),
            )
        ),
        tariffs=Tariffs(electricity_cny_kwh=0.538, water_cny_m3=4.10, agreed_kw=160.0),
        targets=(
            Target("electricity_kwh", "month", 9_500.0),
            Target("water_m3", "month", 210.0),
            Target("cold_compliance_share", "month", 99.2),
            Target("incident_acknowledge_share", "month", 98.0),
        ),
        devices=device_settings(),
    )
