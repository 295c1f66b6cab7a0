"""European Union: 852/2004 has no general number; quick-frozen food at -18 with 3 K tolerance."""

from alerting.profiles.parameter import Mark, Table, design, law

EU: Table = {
    "limit_hi_c": {
        "fridge": design(8, "degC"),
        "sample_fridge": design(8, "degC"),
        "freezer": law(-15, "degC", Mark.MEMORY, "Dir 89/108/EEC"),
    },
    "notice_hi_c": {"freezer": law(-18, "degC", Mark.MEMORY, "Dir 89/108/EEC")},
    "hot_lo_c": {"hot_holding": design(63, "degC")},
    "decision_min": {"*": design(240, "min"), "hot_holding": design(120, "min")},
}
