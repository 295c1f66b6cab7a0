/** Numbers, units, times and ages as people read them; pure functions, tested in tests/format.test.ts. */

export type Lang = "zh-CN" | "en";

/** Stands between a number and its unit; never breaks over a line's end. */
export const THIN = "\u202f";

/** Stands where a number is not known. */
export const NONE = "–";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const numberFormats = new Map<number, Intl.NumberFormat>();

/** Writes a number with a fixed count of decimals, groups of three, and a true minus sign. */
export function decimal(value: number, digits: number): string {
  let format = numberFormats.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    numberFormats.set(digits, format);
  }
  // -0.04 with one decimal would read "-0.0": a difference nobody can see.
  const rounded = Number(value.toFixed(digits));
  return format.format(rounded === 0 ? 0 : rounded).replace("-", "−");
}

/** How many decimals a value of this unit deserves. */
export function digitsOf(value: number, unit: string): number {
  const size = Math.abs(value);
  switch (unit) {
    case "degC":
      return 1;
    case "%":
    case "ppm":
    case "lx":
    case "L/h":
      return 0;
    case "1":
      return size % 1 === 0 ? 0 : 2;
    case "V":
    case "hPa":
    case "Hz":
      return 1;
    default:
      if (size >= 100) return 0;
      return size >= 10 ? 1 : 2;
  }
}

const UNITS: Readonly<Record<string, string>> = {
  degC: "°C",
  m3: "m³",
  "m3/h": "m³/h",
  "1": "",
};

/** The unit as it is written for people. */
export function unitText(unit: string): string {
  return UNITS[unit] ?? unit;
}

/** A number and its unit apart, for large figures with a small unit. */
export interface Figure {
  number: string;
  unit: string;
}

/** Splits a value into the figure and the unit people expect; small flows become litres. */
export function figure(value: number | null | undefined, unit: string, digits?: number): Figure {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return { number: NONE, unit: unitText(unit) };
  }
  if (unit === "m3/h" && Math.abs(value) < 1) {
    return { number: decimal(value * 1000, 0), unit: "L/h" };
  }
  if (unit === "kW" && value !== 0 && Math.abs(value) < 0.1) {
    return { number: decimal(value * 1000, 0), unit: "W" };
  }
  return { number: decimal(value, digits ?? digitsOf(value, unit)), unit: unitText(unit) };
}

/** Writes a value with its unit in one piece. */
export function amount(value: number | null | undefined, unit: string, digits?: number): string {
  const parts = figure(value, unit, digits);
  return parts.unit === "" ? parts.number : parts.number + THIN + parts.unit;
}

/** Writes yuan; small sums with one decimal. */
export function money(cny: number): string {
  return `¥${decimal(cny, Math.abs(cny) < 10 ? 1 : 0)}`;
}

/** Writes a share of one as per cent. */
export function percent(share: number, digits = 0): string {
  return decimal(share * 100, digits) + THIN + "%";
}

const WORDS = {
  "zh-CN": { s: "秒", min: "分钟", h: "小时", d: "天", ago: "前", now: "刚刚", later: "后" },
  en: { s: "s", min: "min", h: "h", d: "d", ago: " ago", now: "just now", later: " from now" },
} as const;

/** Writes a length of time in at most two units. */
export function duration(ms: number, lang: Lang): string {
  const word = WORDS[lang];
  const size = Math.max(0, ms);
  if (size < MINUTE) return `${Math.floor(size / 1000)}${THIN}${word.s}`;
  if (size < HOUR) return `${Math.floor(size / MINUTE)}${THIN}${word.min}`;
  const [large, small, first, second] =
    size < DAY
      ? [Math.floor(size / HOUR), Math.floor((size % HOUR) / MINUTE), word.h, word.min]
      : [Math.floor(size / DAY), Math.floor((size % DAY) / HOUR), word.d, word.h];
  const head = `${large}${THIN}${first}`;
  return small === 0 ? head : `${head} ${small}${THIN}${second}`;
}

/** Writes how long ago an instant was; one unit is enough here. */
export function age(at_ms: number, now_ms: number, lang: Lang): string {
  const word = WORDS[lang];
  const past = now_ms - at_ms;
  if (past < -5_000) return shortDuration(-past, lang) + word.later;
  if (past < 2_000) return word.now;
  return shortDuration(past, lang) + word.ago;
}

function shortDuration(ms: number, lang: Lang): string {
  const word = WORDS[lang];
  if (ms < MINUTE) return `${Math.floor(ms / 1000)}${THIN}${word.s}`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}${THIN}${word.min}`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}${THIN}${word.h}`;
  return `${Math.floor(ms / DAY)}${THIN}${word.d}`;
}

const dateFormats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(lang: Lang, zone: string, shape: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${lang}|${zone}|${JSON.stringify(shape)}`;
  let format = dateFormats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { ...shape, timeZone: zone });
    dateFormats.set(key, format);
  }
  return format;
}

/** The wall time of an instant in the site's zone, e.g. 10:35. */
export function clockTime(at_ms: number, lang: Lang, zone: string, seconds = false): string {
  const shape: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (seconds) shape.second = "2-digit";
  return dateFormat(lang, zone, shape).format(at_ms);
}

/** The day of an instant with its weekday, e.g. 11月23日 周一 or Mon 23 Nov. */
export function dayLong(at_ms: number, lang: Lang, zone: string): string {
  if (lang === "en") {
    return dateFormat(lang, zone, { weekday: "short", day: "numeric", month: "short" })
      .format(at_ms)
      .replace(",", "");
  }
  const day = dateFormat(lang, zone, { month: "long", day: "numeric" }).format(at_ms);
  return `${day} ${weekday(at_ms, lang, zone)}`;
}

/** The day of an instant, short, e.g. 11月23日 or 23 Nov. */
export function dayShort(at_ms: number, lang: Lang, zone: string): string {
  const month = lang === "en" ? "short" : "long";
  return dateFormat(lang, zone, { month, day: "numeric" }).format(at_ms);
}

/** The weekday of an instant, short. */
export function weekday(at_ms: number, lang: Lang, zone: string): string {
  return dateFormat(lang, zone, { weekday: "short" }).format(at_ms);
}

/** The calendar day of an instant in the site's zone as YYYY-MM-DD. */
export function isoDay(at_ms: number, zone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(at_ms);
}

/** The instant in words: only the time when it was today, else the day too. */
export function moment(at_ms: number, now_ms: number, lang: Lang, zone: string): string {
  const time = clockTime(at_ms, lang, zone);
  if (isoDay(at_ms, zone) === isoDay(now_ms, zone)) return time;
  return `${dayShort(at_ms, lang, zone)} ${time}`;
}

/** Day, time and second of an instant, for tables and tooltips. */
export function instant(at_ms: number, lang: Lang, zone: string): string {
  return `${dayShort(at_ms, lang, zone)} ${clockTime(at_ms, lang, zone, true)}`;
}

/** Bytes in the unit that keeps the figure short. */
export function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = size;
  let index = 0;
  while (value >= 1000 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return decimal(value, value < 10 && index > 0 ? 1 : 0) + THIN + (units[index] ?? "B");
}
