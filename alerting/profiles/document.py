"""The profiles as rows of docs/cold-chain.md; run: python -m alerting.profiles.document"""

from collections.abc import Iterator

from alerting.profiles import NAMES, PROFILES, Parameter, profile_numbers

ROLES = ("fridge", "sample_fridge", "freezer", "hot_holding")
MEANING = {
    "limit_hi_c": "highest temperature allowed",
    "limit_lo_c": "lowest temperature allowed",
    "hot_lo_c": "hot food must stay above it",
    "notice_hi_c": "air above it: notice (a fridge: its limit)",
    "notice_min": "air above so long: notice",
    "alarm_min": "air above the limit so long: alarm",
    "critical_hi_c": "air as warm as this on two samples: critical",
    "critical_min": "those samples lie at least so far apart",
    "food_alarm_min": "food above the limit so long: alarm",
    "food_critical_min": "food above the limit so long: critical",
    "food_critical_c": "food above it: critical at once",
    "critical_share": "critical from this share of the decision time on",
    "hysteresis_k": "so far below the limit counts as cool",
    "clear_samples": "so many cool samples running: recovered",
    "clear_min": "and at least so long",
    "tau_min": "how slowly food follows air where no probe is in it",
    "gap_min": "after such a gap the food is taken to be as warm as the air",
    "too_cold_min": "air below the lower limit so long: alarm",
    "exposure_hi_c": "the exposure clock runs above it (a fridge: its limit)",
    "decision_min": "so much exposure in all, and the food must be decided on",
    "hot_low_min": "hot food below its limit so long: alarm",
    "hot_hysteresis_k": "so far above the limit counts as hot",
    "defrost_min": "a defrost forgives warm air so long from its start",
    "defrosts_day": "so many defrosts in 24 h are forgiven",
    "defrost_every_h": "scheduled defrosts lie so far apart; 0: none",
    "defrost_first_min": "the first of the day, after local midnight",
    "defrost_rise_k": "a quick rise by so much looks like a defrost",
    "defrost_rise_min": "within so long",
    "defrost_phase_min": "at the same time of day, give or take",
    "defrost_days": "on so many of seven days: learned",
    "receiving_max_min": "\"receiving a delivery\" forgives no longer than this",
    "cleaning_max_min": "\"cleaning\" forgives no longer than this",
    "door_notice_min": "door open so long: notice",
    "door_alarm_min": "door open so long: alarm",
    "closed_clock_min": "a closed unit keeps cold so long without power (a full freezer: 2880)",
    "meter_zero_kw": "the main meter at or below it: no power",
    "planned_notice_h": "a planned outage is told so long ahead",
    "missed": "so many messages missed running: silent",
    "silent_alarm_min": "silent so long where food depends on it: alarm",
    "other_silent_min": "other devices are not called silent before this",
    "probe_spacing_h": "manual probes at most so far apart fill a gap",
    "stuck_k": "no change by so much",
    "stuck_h": "for so long: stuck (a buffered probe: four times as long, and no change at all)",
    "physics_lo_c": "below it no food store can be",
    "physics_hi_c": "above it no food store can be",
    "battery_low_pct": "battery below it twice: notice",
    "calibration_days": "a calibration is good for so long",
    "warn_margin_k": "air this near to its limit, the day's reserve added: early warning",
    "warn_day_share": "of the reserve (limit less the warmest tenth of the last day), so much",
    "warn_near_k": "warmer than the whole last week and this near to the limit: early warning,",
    "warn_rise_k": "if it rose so much in 2.5 h or more, crosses within the hour,",
    "warn_unseen_k": "or is so much warmer than the week",
    "warn_min": "every sample for so long",
    "warn_hold_h": "one warning speaks until nothing was near for so long",
    "duty_hi_pct": "compressor runs more than this",
    "duty_rise_pct": "and so much more than usual: notice",
    "duty_h": "over so long",
    "pull_down_factor": "cooling down takes so many times as long a kelvin as before: notice",
    "defrost_drift_factor": "defrosts so many times as long as they were: notice",
    "still_days": "school days on which a meter's register did not move: notice",
    "flow_h": "water without a pause for so long: alarm",
    "upstream_extra_h": "a meter upstream waits so much longer",
}  # fmt: skip


def _cell(number: Parameter | None) -> str:
    return "" if number is None else f"{number.value:g}"


def rows(profile: str = "CN") -> Iterator[str]:
    """Give a row for each parameter: name, unit, its number by role, mark, source, meaning."""
    by_role = [profile_numbers(profile, role) for role in ROLES]
    for name, unit in NAMES.items():
        found = [numbers.get(name) for numbers in by_role]
        known = [number for number in found if number is not None]
        marks = "/".join(dict.fromkeys(number.mark.value for number in known))
        sources = "/".join(dict.fromkeys(n.source for n in known if n.source))
        cells = " | ".join(_cell(number) for number in found)
        yield f"| `{name}` | {unit} | {cells} | {marks} | {sources} | {MEANING[name]} |"


def differences() -> Iterator[str]:
    """Give a row for each number in which the profiles differ."""
    for name in sorted({name for table in PROFILES.values() for name in table}):
        for role in ROLES:
            found = [profile_numbers(profile, role).get(name) for profile in PROFILES]
            if len({n.value for n in found if n is not None}) > 1 or name.startswith("limit_hi"):
                if not any(found):
                    continue
                cells = " | ".join(
                    f"{n.value:g} {n.mark.value} {n.source}".strip() if n else "" for n in found
                )
                yield f"| `{name}` | {role} | {cells} |"


if __name__ == "__main__":
    print("\n".join((*rows(), "", *differences())))
