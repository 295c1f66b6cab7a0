import { describe, expect, it } from "vitest";
import { against, bandPath, gapLimits, lastBefore, linePath, nearest, place, spanOf, ticks, withGaps } from "../src/charts/geometry";

const unit = { low: 0, high: 1 };

describe("scales", () => {
  it("holds every known value and ignores the missing", () => {
    const span = spanOf([[1, null, 3], [undefined, 2]], { margin: 0 });
    expect(span).toEqual({ low: 1, high: 3 });
    expect(place(2, span)).toBe(50);
  });
  it("labels round figures", () => {
    expect(ticks({ low: 0, high: 62 }, 4)).toEqual([0, 20, 40, 60]);
  });
});

describe("lines", () => {
  it("lifts the pen where a value is missing or a gap is long", () => {
    expect(linePath([0, 1, 2], [0, null, 1], { low: 0, high: 2 }, unit).match(/M/g)).toHaveLength(2);
    expect(linePath([0, 1, 9], [0, 1, 1], { low: 0, high: 9 }, unit, 3).match(/M/g)).toHaveLength(2);
  });
  it("closes a band only where both edges are known", () => {
    const path = bandPath([0, 1, 2, 3], [0, 0, null, 0], [1, 1, 1, 1], { low: 0, high: 3 }, unit);
    expect(path.match(/Z/g)).toHaveLength(1);
  });
  it("puts a null into long gaps for other drawers", () => {
    expect(withGaps([0, 1, 10], { value: [1, 2, 3] }, 5).rows.value).toEqual([1, 2, null, 3]);
  });
});

describe("finding", () => {
  it("takes the nearest and the last", () => {
    expect(nearest([0, 10, 20], 14)).toBe(1);
    expect(lastBefore([0, 10, 20], 19)).toBe(1);
    expect(lastBefore([5], 1)).toBe(-1);
  });
  it("counts the edges of the usual range as usual", () => {
    expect(against(2, 2, 4)).toBe("usual");
    expect(against(1.9, 2, 4)).toBe("below");
    expect(against(4.1, 2, 4)).toBe("above");
  });
});

describe("gaps", () => {
  it("measures a step by its neighbours: slow yesterday, quick today, and a hole", () => {
    const at = [0, 300, 600, 900, 1200, 1500, 1530, 1560, 1590, 1620, 1650, 1680, 1710, 1740, 1770, 1800, 3000, 3030, 3060];
    const limits = gapLimits(at);
    const gaps = at.filter((time, index) => index > 0 && time - (at[index - 1] ?? 0) > (limits[index] ?? 0));
    expect(gaps).toEqual([3000]);
  });
});
