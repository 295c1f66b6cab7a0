/** Days in the site's zone. */
import { isoDay } from "../format";

const HOUR = 3_600_000;

/** The instants in [start, end) at which a new day begins in `zone`. */
export function dayStarts(start_ms: number, end_ms: number, zone: string): number[] {
  const found: number[] = [];
  // Half hours: zones with an odd offset begin their days between hours too.
  let time = Math.ceil(start_ms / (HOUR / 2)) * (HOUR / 2);
  let before = isoDay(time - 1, zone);
  while (time < end_ms) {
    const day = isoDay(time, zone);
    if (day !== before) found.push(time);
    before = day;
    time += HOUR / 2;
  }
  return found;
}

/** The instant at which the day of `at_ms` began in `zone`. */
export function dayStart(at_ms: number, zone: string): number {
  const starts = dayStarts(at_ms - 26 * HOUR, at_ms + 1, zone);
  return starts[starts.length - 1] ?? at_ms;
}

/** How far the wall clock of `zone` runs ahead of UTC at an instant [ms]. */
export function zoneOffset(at_ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at_ms);
  const part = (type: string) => Number(parts.find((found) => found.type === type)?.value ?? 0);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - Math.floor(at_ms / 1000) * 1000;
}

/** The instant of a wall time "YYYY-MM-DDTHH:MM" in `zone`. */
export function zonedInstant(wall: string, zone: string): number {
  const naive = Date.parse(`${wall}:00Z`);
  // Once more with the offset of the instant found: near a change of clocks the first one may differ.
  const first = naive - zoneOffset(naive, zone);
  return naive - zoneOffset(first, zone);
}
