"""The KPIs that the boards show, with the reader's name of each and its unit."""

from dashboards.text import Text

KPI_WORDS: dict[str, Text] = {
    "electricity_kwh": Text("用电（kWh）", "Electricity (kWh)"),
    "electricity_kwh_pupil": Text("每个学生用电（kWh）", "Electricity per pupil (kWh)"),
    "electricity_kwh_m2": Text("每平方米用电（kWh）", "Electricity per m² (kWh)"),
    "electricity_out_of_hours_share": Text("关校时间用电份额", "Out-of-hours share"),
    "electricity_base_kw": Text("底荷（kW）", "Base load (kW)"),
    "electricity_peak_kw": Text("最高负荷（kW）", "Peak (kW)"),
    "power_factor": Text("功率因数", "Power factor"),
    "water_m3": Text("用水（m³）", "Water (m³)"),
    "water_l_pupil": Text("每个学生用水（L）", "Water per pupil (L)"),
    "water_night_flow_l_h": Text("夜间最小流量（L/h）", "Least flow at night (L/h)"),
    "water_leak_hours": Text("一直在流（h）", "Flowing without a stop (h)"),
    "water_leak_m3": Text("漏水（m³）", "Leakage (m³)"),
    "water_leak_cny": Text("漏水金额（元）", "Leakage (CNY)"),
    "cost_cny": Text("电费和水费（元）", "Cost (CNY)"),
    "carbon_kg": Text("碳排放（kg CO₂）", "Carbon (kg CO₂)"),
    "cold_compliance_share": Text("冷链合格份额", "Cold chain within limits"),
}
