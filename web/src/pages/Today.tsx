/** The first page: is everything all right, what now, how is today against a usual day. */
import type { JSX } from "preact";
import type { ColdUnit, Today as TodayData, UsageCard, WeekDay, Worth } from "../api/shapes";
import { Bars } from "../charts/Spark";
import { SmallChart } from "../charts/SmallChart";
import { dayStart } from "../charts/time";
import { against } from "../charts/geometry";
import { amount, clockTime, dayLong, decimal, isoDay, money, percent, weekday } from "../format";
import { Link } from "../router";
import { connection, lastReading, now } from "../state/live";
import { useQuery } from "../state/query";
import { lang } from "../state/settings";
import { site, zone } from "../state/site";
import { t } from "../texts";
import { Alerts } from "../ui/Alerts";
import { UnitCard } from "../ui/UnitCard";
import { ColdIcon, ElectricityIcon, GoodIcon, InfoIcon, RepairIcon, RoomIcon, UnsureIcon, WaterIcon } from "../ui/Icons";
import { Age, Card, Empty, Figure, LiveFigure, Page, Read, Section } from "../ui/parts";
