"""The commented site.toml that `caretaker init` writes; it reads back as the defaults."""

TEMPLATE = """\
# 校管家的学校设置 · Caretaker's settings of one site
# 改完后重启校管家生效；先用 `caretaker check` 检查。
# Restart Caretaker after a change; `caretaker check` tells what is wrong with it.
# 口令和密码不写在这里，在数据目录的 secrets.toml 中（权限 0600）。
# Secrets do not stand here but in secrets.toml of the data directory (mode 0600).

[site]
id = "school"              # 短名，只用小写字母、数字和连字符 · short name
name = "学校"              # 页面和通知里的名称 · name on the page and in messages
zone = "Asia/Shanghai"     # 时区 · time zone (IANA)
lang = "zh-CN"             # 通知的语言 · language of notifications: zh-CN, en
profile = "CN"             # 限值依据的规范 · whose rules the limits follow
pupils = 0                 # 学生人数 · number of pupils
staff = 0                  # 教职工人数 · number of staff
area_m2 = 0.0              # 建筑面积 · floor area [m2]
school = ""                # 所属学校（多校区时） · the school this campus belongs to
district = ""              # 所属区 · the district

# 楼 · buildings: 每栋一段 · one section each
# [[building]]
# id = "a"
# name = "教学楼A"
# area_m2 = 3600.0
# pupils = 240               # 在这栋楼上课的学生 · pupils taught in it

# 位置 · places within a building
# [[area]]
# id = "kitchen"
# name = "食堂后厨"
# building = "a"

[calendar]
country = "CN"             # 法定节假日和调休 · national holidays and make-up days
opens = 07:00:00           # 开校 · the school opens
closes = 18:00:00          # 闭校 · the school closes
closed = []                # 另外停课的日子 · days closed besides, as [2026-09-30]
opened = []                # 另外上课的日子 · days open besides
# 学期，首尾两天都算 · terms, both days included; none: every working day is a school day
# [[calendar.term]]
# start = 2026-09-01
# end = 2027-01-22
# pupils = 600               # 本学期人数，0 为上面的 · head-count of the term, 0: as above
# staff = 45

[tariffs]
electricity_cny_kwh = 0.538  # 电价 · price of electricity [CNY/kWh]
water_cny_m3 = 4.1           # 水价 · price of water [CNY/m3]
agreed_kw = 0.0              # 合同容量或需量 · agreed capacity or demand [kW]; 0: none
power_factor_standard = 0.0  # 力调电费标准 · 0.85 or 0.90 where the bill has this charge; 0: none

# 分时或阶梯电价，按日期生效，优先于上面的单价
# · dated tables of tiered or time-of-use prices, before the flat ones above
# [[tariff]]
# utility = "electricity"      # electricity, water
# start = 2026-01-01           # 生效日，到下一张表为止 · in force until the next table begins
# price_cny = 0.62             # 平段及未列时段 · the flat hours and those no band names
# capacity_cny_kw = 0.0        # 容量电费 · a month on the agreed capacity [CNY/kW]
# demand_cny_kw = 0.0          # 需量电费 · a month on the highest quarter-hour [CNY/kW]
# [[tariff.band]]
# band = "peak"                # sharp 尖, peak 峰, flat 平, valley 谷, deep_valley 深谷
# price_cny = 0.98
# start = 10:00:00
# end = 12:00:00
# months = [7, 8]              # 空为全年 · empty: all year
# days = ["workday"]           # workday, weekend, holiday; 空为每天 · empty: every day
# [[tariff]]
# utility = "water"
# start = 2026-01-01
# price_cny = 4.1
# tier_period = "year"         # 阶梯按年或月 · tiers by year or month
# [[tariff.tier]]
# above = 0.0
# price_cny = 4.1
# [[tariff.tier]]
# above = 5000.0
# price_cny = 5.2

[kpi]
energy_factors = "CN-GB2589-2020"  # 折标煤系数 · kgce factors; names: docs/kpis.md
carbon_factors = "CN-national"     # 电网排放因子 · grid emission factors
carbon_kg_kwh = 0.0                # 自定排放因子 · your own, 0: from the set [kg/kWh]
night_allowance_l_h = 0.0          # 夜间允许用水 · water that may run at night [L/h]

# 指标目标 · targets: 名称见 docs/kpis.md · names: docs/kpis.md
# [[target]]
# kpi = "electricity_kwh"
# period = "month"             # hour, day, week, month, term
# value = 12000.0
# scope = ""                   # 空为全校，或楼的 id · empty: the campus, or a building's id

[broker]
url = ""                   # 自己的代理 · your own broker, mqtt://host; empty: built-in
kind = "auto"              # 内置代理 · built-in broker: auto, nats, mosquitto
host = "127.0.0.1"         # 内置代理监听的地址 · where it listens; 0.0.0.0: the network
port = 1883
client_id = "caretaker"    # 会话名，换名会丢掉排队的消息 · a new name forgets the queue
topics = ["#"]             # 订阅 · what to subscribe to
receiver = "gathered"      # 接收程序 · what reads: gathered (own) or paho
username = ""              # 密码在 secrets.toml 的 [broker] external · password: secrets.toml
ca_file = ""               # mqtts 的证书 · certificate authority for mqtts

[api]
host = "127.0.0.1"         # 页面监听的地址 · where the page listens
port = 8420
allow_remote = false       # 允许其他机器访问 · let other machines in
public_url = ""            # 手机打开的网址，写进通知 · what phones open, for links in messages

[influx]
url = ""                   # InfluxDB 的地址 · its address, http://127.0.0.1:8086; empty: none
version = "auto"           # auto, 1, 2, 3, victoria
bucket = "caretaker"       # 桶（1 和 3 版叫数据库）· bucket; a database in versions 1 and 3
org = "school"             # 组织，仅 2 版 · organisation, version 2 only
retention_days = 0         # 保留天数，0 为永久 · days kept; 0: for ever
readings_bucket = ""       # 原始读数单独的桶 · a bucket of their own for raw readings
readings_retention_days = 0  # 原始读数的保留天数 · days raw readings are kept there
ca_file = ""               # 自签证书的 CA · certificate authority of an own certificate

# 通知渠道 · notification channels; 没有写任何渠道时输出到日志 · none: messages go to the log
# [[channel]]
# name = "console"
# kind = "console"    # console, webhook, email, wecom, dingtalk, feishu, sms, mqtt, apprise
# severities = ["alarm", "critical"]
# [[channel]]
# name = "canteen"
# kind = "webhook"
# url = "https://example.org/hook"   # 签名密钥在 secrets.toml · signing secret in secrets.toml
# severities = ["alarm", "critical"]

# 值班 · who is called; 没有写人时，每个渠道都通知 · nobody listed: every channel is told
# [[person]]
# id = "wang"
# name = "王师傅"
# level = 1                # 1 先通知 · called first; 2, 3; 4 校长 · the principal
# contacts = { canteen = "13800000000" }   # 渠道 -> 号码，先写的先用 · channel -> address
# [[shift]]
# people = ["wang"]
# on = "every"             # every, teaching（上课日 · school days）, closed（其他 · the rest）
# start = 06:00:00
# end = 18:00:00

# 厨房的确认按钮 · buttons in the kitchen that acknowledge
# [[button]]
# topic = "zigbee2mqtt/kitchen_button"
# match = "single"         # 消息里要有的字 · what the message must hold
# person = "wang"
# building = ""            # 只确认这栋楼的 · only this building's incidents

[escalation]
repeat_min = 30            # 没人接手就再通知 · told again until somebody takes it [min]
reraise_min = 60           # 接手后仍未恢复 · taken, and still bad: called anew [min]
# critical = [{ after_min = 0, levels = [1, 2] }, { after_min = 10, levels = [3] }]
# alarm = [{ after_min = 0, levels = [1] }, { after_min = 15, levels = [2] }]
# notice = [{ after_min = 0, levels = [1] }]

[quiet]                    # 免打扰，紧急和冷藏除外 · never holds critical or cold storage
start = 00:00:00           # 两个时间相同：不启用 · both the same: off
end = 00:00:00

[watchdog]
canary = true              # 定时自检整条报警链 · tries the whole chain on schedule
every_s = 300              # 多久一次 · how often [s]
heartbeat_url = ""         # 自检通过后通知外部看门狗 · called after each full round trip
heartbeat_private = false  # 允许内网地址 · it may be an address of the school's network
daily_note = 07:30:00      # 每天的“一切正常”短信，00:00:00 不发 · the daily note; midnight: none

# 规则限值 · limits of the rules, for all devices; 名称见 docs/alerts.md · names: docs/alerts.md
[limits]
# limit_hi_c = 8.0

# 设备 · devices: 写在这里的以本文件为准，页面上只读
# What stands here wins; such a device is read-only on the page.
# [[device]]
# key = "tasmota:canteen_kitchen"    # `caretaker devices` 列出 · listed by `caretaker devices`
# name = "食堂电表"
# role = "electricity"     # electricity, water, room, fridge, freezer, sample_fridge,
#                          # hot_holding, door, other
# building = "a"
# area = "kitchen"
# parent = ""              # 上级表的 key · key of the meter upstream
# interval_s = 60          # 发送间隔 · how often it sends [s]
# limits = { limit_hi_c = 6.0 }      # 这台设备自己的限值 · limits of its own

# 本校自己的限值，写明谁定的、为什么 · a school's own number for a rule, with who and why
# [[override]]
# parameter = "decision_min"         # 名称见 docs/cold-chain.md · names there
# value = 90.0
# author = "李校医"
# reason = "托育班 · small children"
# role = "fridge"          # 空：所有 · empty: all
# device = ""              # 或一台设备的 key · or the key of one device
# valid_from = 2026-09-01

# 自定义消息 · mappings: 没有驱动认识的主题，由你说明 · topics no driver knows, in your words
# 页面“新设备”里也能做，先试后存 · the page does it too, tried before it is kept: docs/drivers.md
# [[mapping]]
# name = "boiler"
# topic = "school/{device}/state"    # {device}: 这一级是设备 · this level is the device
# device = ""              # 主题里没有设备时写在这里 · where the topic does not name it
# device_at = ""           # 或消息里的路径 · or its path in the message
# time_at = ""             # 时间的路径 · path of the time
# zone = ""                # 时间不带时区时 · zone of a time without one: "Asia/Shanghai"
# decimal = "."            # 文字里的小数点 · decimal sign in texts: "." ","
# separator = ""           # 文字消息里值的分隔 · what parts the values of a text: ";" "," " "
# adds = false             # 另有驱动认识该主题：只补充 · a driver knows the topic: add to it
# [[mapping.field]]         # fields: 每个量一段 · one for each reading
# path = "data.sensors[0].t"         # 空：整条消息 · empty: the whole message
# quantity = "temperature"
# unit = "C"               # 必须写，绝不猜 · never guessed; "*": 写在数字后 · behind the number
# unit_at = ""             # 或由消息给出单位 · or the path to the unit
# channel = "flow"
"""
