"""United States: FDA Food Code as states adopted it (rule-book 2.1)."""

from alerting.profiles.parameter import Mark, Table, design, law

US: Table = {
    "limit_hi_c": {
        "fridge": law(5, "degC", Mark.PRIMARY, "S7"),
        "sample_fridge": law(5, "degC", Mark.PRIMARY, "S7"),
        "freezer": design(-12, "degC"),  # 3-501.11 gives no number: "maintained frozen"
    },
    "exposure_hi_c": {"freezer": law(4.4, "degC", Mark.SECOND_HAND, "S8")},
    "hot_lo_c": {"hot_holding": law(57, "degC", Mark.PRIMARY, "S7")},
    "decision_min": {"*": law(240, "min", Mark.PRIMARY, "S7")},
}
