"""The numbers that are the same in every profile: the design defaults of rule-book 2.3."""

from alerting.profiles.parameter import Mark, Table, design, law

BASE: Table = {
    # -- air and food of a unit (A1-A3) -------------------------------------------------------
    "notice_hi_c": {"freezer": design(-15, "degC")},
    "notice_min": {"*": design(15, "min", "S14d"), "freezer": design(60, "min")},
    "alarm_min": {"*": design(30, "min", "S14g"), "freezer": design(60, "min")},
    "critical_hi_c": {"*": design(13, "degC", "S14f"), "freezer": design(-5, "degC")},
    "critical_min": {"*": design(4, "min"), "freezer": design(30, "min")},
    "food_alarm_min": {"*": design(10, "min"), "freezer": design(30, "min")},
    "food_critical_min": {"*": design(60, "min", "S14f")},
    "food_critical_c": {"freezer": design(-5, "degC")},
    "critical_share": {"*": design(75, "%")},
    "hysteresis_k": {"*": design(0.5, "K", "S14a"), "freezer": design(1.0, "K", "S14a")},
    "clear_samples": {"*": design(2, "1", "S14c")},
    "clear_min": {"*": design(4, "min")},
    # Frozen food lags longer: it is dense, and melting takes heat before it takes degrees.
    "tau_min": {"*": design(60, "min"), "freezer": design(120, "min")},
    "gap_min": {"*": design(30, "min")},
    # -- too cold -----------------------------------------------------------------------------
    "limit_lo_c": {"*": law(0, "degC", Mark.SECOND_HAND, "S2a"), "freezer": design(-45, "degC")},
    "too_cold_min": {"*": design(30, "min")},
    # -- exposure clock (A4) ------------------------------------------------------------------
    # Frozen food is in danger once it is no longer chilled: the freezer's clock runs above this.
    "exposure_hi_c": {"freezer": law(8, "degC", Mark.SECOND_HAND, "S2a")},
    # -- hot holding --------------------------------------------------------------------------
    "hot_low_min": {"*": design(15, "min")},
    "hot_hysteresis_k": {"*": design(1.0, "K")},
    # -- defrost and one-tap states -----------------------------------------------------------
    "defrost_min": {"*": design(45, "min")},
    "defrosts_day": {"*": design(6, "1")},
    "defrost_every_h": {"*": design(0, "h")},
    "defrost_first_min": {"*": design(0, "min")},
    "defrost_rise_k": {"*": design(2, "K")},
    "defrost_rise_min": {"*": design(10, "min")},
    "defrost_phase_min": {"*": design(15, "min")},
    "defrost_days": {"*": design(3, "1")},
    "receiving_max_min": {"*": design(30, "min")},
    "cleaning_max_min": {"*": design(60, "min")},
    # -- door ---------------------------------------------------------------------------------
    "door_notice_min": {"*": design(3, "min")},
    "door_alarm_min": {"*": design(10, "min")},
    # -- power cut ----------------------------------------------------------------------------
    "closed_clock_min": {
        "*": law(240, "min", Mark.SECOND_HAND, "S8"),
        "freezer": law(1440, "min", Mark.SECOND_HAND, "S8"),  # half-full; a full one: 2880
    },
    "meter_zero_kw": {"*": design(0.01, "kW")},
    "planned_notice_h": {"*": law(24, "h", Mark.PRIMARY, "S1")},
    # -- the sensor itself --------------------------------------------------------------------
    "missed": {"*": law(3, "1", Mark.PRIMARY, "S14j")},
    "silent_alarm_min": {"*": design(30, "min")},
    "other_silent_min": {"*": design(60, "min")},
    "probe_spacing_h": {"*": law(4, "h", Mark.MEMORY, "")},
    "stuck_k": {"*": design(0.1, "K")},
    "stuck_h": {"*": design(6, "h")},
    "physics_lo_c": {"*": design(-50, "degC")},
    "physics_hi_c": {"*": design(85, "degC")},
    "battery_low_pct": {"*": design(15, "%")},
    "calibration_days": {"*": design(365, "d")},
    # -- early warning ------------------------------------------------------------------------
    "duty_hi_pct": {"*": design(85, "%")},
    "duty_rise_pct": {"*": design(25, "%")},
    "duty_h": {"*": design(3, "h")},
    "warn_margin_k": {"*": design(1.1, "K")},
    "warn_day_share": {"*": design(0.75, "1")},
    "warn_near_k": {"*": design(1.0, "K")},
    "warn_rise_k": {"*": design(1.5, "K")},
    "warn_unseen_k": {"*": design(1.5, "K")},
    "warn_min": {"*": design(10, "min")},
    "warn_hold_h": {"*": design(36, "h")},
    "pull_down_factor": {"*": design(2.0, "1")},
    "defrost_drift_factor": {"*": design(1.5, "1")},
    # -- water --------------------------------------------------------------------------------
    "flow_h": {"*": design(24, "h")},
    "upstream_extra_h": {"*": design(12, "h")},
    # -- meters -------------------------------------------------------------------------------
    "still_days": {"*": design(2, "d")},
}
"""Numbers by name and role; a country's profile adds and overrides."""
