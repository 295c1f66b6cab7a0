"""One module a rule; each is a pure step over readings, records and time."""

from alerting.parameters import check_names
from alerting.port import Rule
from alerting.rules.cold_storage import ColdStorage
from alerting.rules.cold_unit import ColdUnit
from alerting.rules.cold_warning import ColdWarning
from alerting.rules.continuous_flow import ContinuousFlow
from alerting.rules.device_silent import DeviceSilent
from alerting.rules.door_open import DoorOpen
from alerting.rules.food_hold import FoodHold
from alerting.rules.hot_holding import HotHolding
from alerting.rules.meter_still import MeterStill
from alerting.rules.planned_outage import PlannedOutage
from alerting.rules.power_cut import PowerCut
from alerting.rules.pull_down import PullDown
from alerting.rules.sensor_faults import SensorImplausible, SensorStuck
from alerting.rules.too_cold import TooCold
from alerting.rules.upkeep import BatteryLow, CalibrationDue
from alerting.rules.wear import CompressorDuty, DefrostDrift
from caretaker.calendar import SchoolCalendar
from caretaker.config import SiteSettings


def standard_rules(site: SiteSettings) -> tuple[Rule, ...]:
    """Return the rules that every site starts with.

    Raises ConfigurationError when the site names a profile or parameter that there is not.
    """
    check_names(site)
    return (
        ColdStorage(),
        FoodHold(),
        TooCold(),
        HotHolding(),
        DoorOpen(),
        PowerCut(),
        PlannedOutage(),
        DeviceSilent(),
        SensorStuck(),
        SensorImplausible(),
        BatteryLow(),
        CalibrationDue(),
        ContinuousFlow(price_cny_m3=site.tariffs.water_cny_m3),
        MeterStill(calendar=SchoolCalendar(site.calendar, site.zone)),
        ColdWarning(),
        CompressorDuty(),
        DefrostDrift(),
        PullDown(),
        ColdUnit(),
    )
