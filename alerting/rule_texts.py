"""The texts of single rules: which unit, since when, how warm, what to do now, how long is left."""

RULE_TITLES: dict[str, dict[str, str]] = {
    "zh-CN": {
        "food_hold": "{{ device }}的食品先不要用：累计超温 {{ exposure_min }}",
        "cold_storage_cold": "{{ device }}温度过低：{{ air_c }} °C",
        "hot_holding_low": "{{ device }}热藏温度不够：{{ food_c }} °C",
        "cold_door_open": "{{ device }}的门开着",
        "cold_power_cut": "{{ device }}停电：还能保冷约 {{ left_min }}",
        "planned_outage": "{{ device }}将要停电",
        "sensor_stuck": "{{ device }}的温度 {{ hours }} 小时没有变化",
        "sensor_implausible": "{{ device }}的读数不可信：{{ value_c }} °C",
        "battery_low": "{{ device }}的电池快没电了：{{ battery_pct }} %",
        "calibration_due": "{{ device }}的温度计该校准了",
        "compressor_duty": "{{ device }}的压缩机停不下来：{{ duty_pct }} %",
        "defrost_drift": "{{ device }}的除霜越来越长",
        "slow_pull_down": "{{ device }}降温越来越慢",
        "cold_warning": "{{ device }}可能快要超温：{{ air_c }} °C",
        "meter_still": "{{ device }}不走了：{{ days }} 个上课日没有用量",
        "data_quality": "{{ device }}无法判断",
        "rule_unmatched": "有规则找不到设备",
        "rules_refused": "规则文件有错误，没有采用",
        "caretaker_unwell": (
            "校管家自己有故障{% if cold_units %}：{{ cold_units }} 台冷柜可能无人看守{% endif %}"
        ),
    },
    "en": {
        "food_hold": "Do not use the food in {{ device }}: too warm for {{ exposure_min }} in all",
        "cold_storage_cold": "{{ device }} is too cold: {{ air_c }} °C",
        "hot_holding_low": "{{ device }} does not keep hot: {{ food_c }} °C",
        "cold_door_open": "The door of {{ device }} is open",
        "cold_power_cut": "{{ device }} has no power: cold for about {{ left_min }} more",
        "planned_outage": "{{ device }} will have no power",
        "sensor_stuck": "{{ device }}: the temperature has not moved for {{ hours }} h",
        "sensor_implausible": "{{ device }}: the reading cannot be true: {{ value_c }} °C",
        "battery_low": "{{ device }}: the battery is low: {{ battery_pct }} %",
        "calibration_due": "{{ device }}: the thermometer is due for calibration",
        "compressor_duty": "{{ device }}: the compressor hardly stops: {{ duty_pct }} %",
        "defrost_drift": "{{ device }}: defrosts take longer and longer",
        "slow_pull_down": "{{ device }} cools down more and more slowly",
        "cold_warning": "{{ device }} may soon be too warm: {{ air_c }} °C",
        "meter_still": "{{ device }} stands still: nothing counted on {{ days }} school days",
        "data_quality": "{{ device }} cannot be judged",
        "rule_unmatched": "A rule finds no device",
        "rules_refused": "The rule file has a mistake and was not taken",
        "caretaker_unwell": (
            "Caretaker itself is ill{% if cold_units %}: {{ cold_units }} cold units may be"
            " unwatched{% endif %}"
        ),
    },
}

RULE_BODIES: dict[str, dict[str, str]] = {
    "zh-CN": {
        "food_hold": (
            "食品累计超过 {{ limit_c }} °C 已 {{ exposure_min }}，"
            "达到 {{ decision_min }}的上限，现在约 {{ food_c }} °C。"
            "请现在把食品单独放好、贴上“待处理”，测量中心温度，由食品安全员决定："
            "立即使用、重新加热到 70 °C 以上、转移或废弃，并在页面上记录。"
            "记录处置之前，这条报警不会消失。"
        ),
        "cold_storage_cold": (
            "自 {{ since }} 起低于 {{ limit_c }} °C，最低 {{ low_c }} °C，食品可能冻坏。"
            "请现在调高设定温度，检查温控器，并检查蔬菜和蛋奶。"
        ),
        "hot_holding_low": (
            "自 {{ since }} 起低于 {{ limit_c }} °C，食品现在 {{ food_c }} °C，"
            "累计 {{ exposure_min }}。请现在检查加热和盖子，"
            "把食品重新加热到 70 °C 以上；供应已结束请在页面上记录剩余"
            "食品的处置。{% if over %}剩余食品现在就要决定去留。"
            "{% else %}距离必须决定食品去留还有 {{ left_min }}。{% endif %}"
        ),
        "cold_door_open": (
            "门从 {{ since }} 起一直开着，已经 {{ open_min }}。请现在关门；"
            "正在收货或清洁，请在页面上点“正在收货”或“正在清洁”。"
        ),
        "cold_power_cut": (
            "{{ since }} 起没有电，已过保冷时间（{{ clock_h }} 小时）的 {{ share_pct }} %，还剩约 "
            "{{ left_min }}。请现在不要开门，联系电工；准备冰袋或另一台冰柜。"
            "来电后先测量食品温度，再恢复使用。"
        ),
        "planned_outage": (
            "{{ since }} 起计划停电约 {{ hours }} 小时；关着门大约能保冷 {{ clock_h }} 小时。"
            "请提前备好冰袋或另一台冷柜，停电前把温度调低，停电时不要开门。"
        ),
        "sensor_stuck": (
            "自 {{ since }} 起一直是 {{ value_c }} °C。请检查探头是否脱落、损坏或没有更新，"
            "并用温度计人工测量、记录。"
        ),
        "sensor_implausible": (
            "自 {{ since }} 起读数不可能是真的。请检查探头和接线，并用温度计人工测量、记录。"
        ),
        "battery_low": "请在本周内更换电池；电池耗尽后，这台设备就没有监测。",
        "calibration_due": (
            "上次校准已过 {{ days }} 天。请校准温度计，并在页面上记录；校准记录是检查时的凭据。"
        ),
        "compressor_duty": (
            "过去几小时压缩机有 {{ duty_pct }} % 的时间在运行，平时约 {{ usual_pct }} %。"
            "请清洁冷凝器，检查门封和制冷剂，趁还没有超温时报修。"
        ),
        "defrost_drift": (
            "最近的除霜约 {{ minutes }} 分钟，以前约 {{ usual_min }} 分钟"
            "（最近一天 {{ per_day }} 次）。"
            "请检查蒸发器结霜、门封和除霜加热，安排保养。"
        ),
        "slow_pull_down": (
            "最近降 1 °C 约要 {{ min_per_k }} 分钟，以前约 {{ usual_min_per_k }} 分钟。"
            "请清洁冷凝器，检查制冷剂和风机，趁还能保冷时报修。"
        ),
        "cold_warning": (
            "空气 {{ air_c }} °C，接近上限 {{ limit_c }} °C。"
            "{% if sign is defined and sign == 'warm_day' %}最近一天里最热的两个多小时"
            "都在 {{ warm_c }} °C 以上，已经没有余量；如果经常这样，请把设定温度调低。"
            "{% elif week_c is defined %}还在上升，"
            "最近一周平时最高只有 {{ week_c }} °C。{% endif %}"
            "请现在看一下门有没有关好、压缩机有没有运行，还来得及避免超温。"
        ),
        "meter_still": (
            "表码从 {{ since }} 起停在 {{ value }} {{ unit }}，平时每个上课日都在走。"
            "请到现场看一眼：表是否坏了、被旁路，或读数模块脱落；确实停用的，请写明原因后了结。"
            "停走期间的用量没有记录，修好后可在设备页补记。"
        ),
        "data_quality": (
            "这些规则缺少数据，无法判断：{{ rules }}。请检查设备是否有温度计、设置是否正确。"
        ),
        "rule_unmatched": "这些规则以前有设备，现在没有：{{ rules }}。请检查设备是否改名或停用。",
        "rules_refused": "{{ problem }} 上一次正确的规则继续有效。",
        "caretaker_unwell": (
            "自 {{ since }} 起。{% if 'disk' in parts %}磁盘快满了：请清理磁盘，"
            "否则不再接收新的读数。{% endif %}"
            "{% if 'clock' in parts %}服务器时钟被拨动过：请检查时间同步（NTP）。{% endif %}"
            "{% if 'broker' in parts or 'ingest' in parts %}"
            "收不到传感器的消息：请检查消息代理和网络。{% endif %}"
            "{% if 'alerting' in parts or 'outbox' in parts %}"
            "有通知发不出去：请检查通知渠道。{% endif %}"
            "{% if cold_units %}恢复之前，请用温度计人工测量每台冷柜并记录。{% endif %}"
            "有问题的部分：{{ parts }}。详情见“系统”页。"
        ),
    },
    "en": {
        "food_hold": (
            "The food was above {{ limit_c }} °C for {{ exposure_min }} in all; the limit is"
            " {{ decision_min }}. It is about {{ food_c }} °C now. Put it aside now, mark it"
            " “on hold”, measure core temperatures, and let the food-safety officer decide: use"
            " now, reheat above 70 °C, move or discard. Record it on the page: until then this"
            " alert stays."
        ),
        "cold_storage_cold": (
            "Below {{ limit_c }} °C since {{ since }}, {{ low_c }} °C at the least; food may"
            " freeze. Set it warmer now, check the thermostat, and look at vegetables, eggs, milk."
        ),
        "hot_holding_low": (
            "Below {{ limit_c }} °C since {{ since }}; the food is {{ food_c }} °C, {{ exposure_min"
            " }} in all. Check heater and lids now and reheat above 70 °C; when service is"
            " over, record what became of the rest. {% if over %}The food must be decided on now."
            "{% else %}{{ left_min }} left until the food must be decided on.{% endif %}"
        ),
        "cold_door_open": (
            "The door has been open since {{ since }}, for {{ open_min }}. Close it now; while"
            " you put a delivery away or clean, tap that on the page."
        ),
        "cold_power_cut": (
            "No power since {{ since }}: {{ share_pct }} % of the {{ clock_h }} h that it keeps"
            " cold have passed, about {{ left_min }} left. Keep it shut now and call"
            " the electrician; get ice or another unit ready. When power is back, measure the food"
            " before you use it."
        ),
        "planned_outage": (
            "No power is planned from {{ since }} for about {{ hours }} h; shut, it keeps cold for"
            " about {{ clock_h }} h. Get ice or another unit ready, set it colder before, and keep"
            " it shut meanwhile."
        ),
        "sensor_stuck": (
            "It has shown {{ value_c }} °C since {{ since }}. Check whether the probe fell off or"
            " broke; measure by hand and write it down."
        ),
        "sensor_implausible": (
            "Since {{ since }} the reading cannot be true. Check probe and wiring; measure by hand"
            " and write it down."
        ),
        "battery_low": "Change the battery this week; once it is empty nothing is monitored.",
        "calibration_due": (
            "The last calibration was {{ days }} days ago. Calibrate the thermometer and record it"
            " on the page: inspectors ask for it."
        ),
        "compressor_duty": (
            "In the last hours the compressor ran {{ duty_pct }} % of the time, usually about"
            " {{ usual_pct }} %. Clean the condenser, check seals and refrigerant, and order a"
            " repair before it gets warm."
        ),
        "defrost_drift": (
            "Defrosts now take about {{ minutes }} min, they used to take {{ usual_min }} ("
            "{{ per_day }} in the last day). Check the evaporator for ice, the seals and the"
            " defrost heater; plan a service."
        ),
        "slow_pull_down": (
            "Lately it takes about {{ min_per_k }} min to cool by 1 °C, it used to take"
            " {{ usual_min_per_k }}. Clean the condenser, check refrigerant and fans, and order a"
            " repair while it still keeps cold."
        ),
        "cold_warning": (
            "The air is {{ air_c }} °C, near its limit of {{ limit_c }} °C."
            "{% if sign is defined and sign == 'warm_day' %} In the last day it was {{ warm_c }}"
            " °C or warmer for more than two hours: no reserve is left. If that is often so, set"
            " it colder.{% elif week_c is defined %} It is rising, and in the last week it was"
            " never above {{ week_c }} °C for long.{% endif %} Look now whether"
            " the door is shut and the compressor runs: there is still time to prevent it."
        ),
        "meter_still": (
            "Since {{ since }} its register stands at {{ value }} {{ unit }}; on other school days"
            " it moves. Look at it: broken, bypassed, or the reading head fell off? If it is out of"
            " use, close this and say so. What passed meanwhile is not counted; once it is mended"
            " you can record it on the device's page."
        ),
        "data_quality": (
            "These rules lack data: {{ rules }}. Check whether the device has a thermometer and is"
            " set up correctly."
        ),
        "rule_unmatched": (
            "These rules had devices and have none now: {{ rules }}. Was a device renamed or"
            " retired?"
        ),
        "rules_refused": "{{ problem }} The last good rules stay in force.",
        "caretaker_unwell": (
            "Since {{ since }}. {% if 'disk' in parts %}The disk is nearly full: make room, or no"
            " more readings are taken. {% endif %}"
            "{% if 'clock' in parts %}The server's clock was moved: check the time server (NTP)."
            " {% endif %}"
            "{% if 'broker' in parts or 'ingest' in parts %}No messages of sensors come in: check"
            " broker and network. {% endif %}"
            "{% if 'alerting' in parts or 'outbox' in parts %}Notifications do not get out: check"
            " the channels. {% endif %}"
            "{% if cold_units %}Until it is well, measure each cold unit by hand and write it down."
            " {% endif %}Parts: {{ parts }}. The page System tells more."
        ),
    },
}
