"""United Kingdom: Food Hygiene Regulations 2006 Sch 4 (Wales, Northern Ireland; rule-book 2.1)."""

from alerting.profiles.parameter import Mark, Table, design, law

UK: Table = {
    "limit_hi_c": {
        "fridge": law(8, "degC", Mark.PRIMARY, "S9"),
        "sample_fridge": law(8, "degC", Mark.PRIMARY, "S9"),
        "freezer": design(-12, "degC"),
    },
    "hot_lo_c": {"hot_holding": law(63, "degC", Mark.PRIMARY, "S9")},
    "decision_min": {
        "*": law(240, "min", Mark.PRIMARY, "S9"),
        "hot_holding": law(120, "min", Mark.MEMORY, "S9"),
    },
}
