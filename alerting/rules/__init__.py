"""One module a rule; each is a pure step over readings and time."""

from alerting.port import Rule
from alerting.rules.cold_storage import ColdStorage
from alerting.rules.continuous_flow import ContinuousFlow
from alerting.rules.device_silent import DeviceSilent
from caretaker.config import SiteSettings


def standard_rules(site: SiteSettings) -> tuple[Rule, ...]:
    """Return the rules that every site starts with, by its limits."""
    return (
        ColdStorage(limits=site.limits),
        DeviceSilent(),
        ContinuousFlow(price_cny_m3=site.tariffs.water_cny_m3),
    )
