"""China: GB 31654-2021 and the operating code (rule-book 2.1; originals not read)."""

from alerting.profiles.parameter import Mark, Table, law

CN: Table = {
    "limit_hi_c": {
        "fridge": law(8, "degC", Mark.SECOND_HAND, "S2a"),
        "sample_fridge": law(8, "degC", Mark.SECOND_HAND, "S2b"),
        "freezer": law(-12, "degC", Mark.SECOND_HAND, "S2a"),
    },
    "hot_lo_c": {"hot_holding": law(60, "degC", Mark.SECOND_HAND, "S4")},
    "decision_min": {"*": law(120, "min", Mark.SECOND_HAND, "S4")},
}
