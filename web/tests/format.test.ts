import { describe, expect, it } from "vitest";
import { age, amount, clockTime, decimal, duration, money, moment, percent } from "../src/format";

const ZONE = "Asia/Shanghai";
const AT = 1_795_525_200_000; // 2026-11-24 21:00 in Shanghai

describe("numbers", () => {
  it("writes a true minus and never a negative zero", () => {
    expect(decimal(-12.34, 1)).toBe("−12.3");
    expect(decimal(-0.04, 1)).toBe("0.0");
    expect(decimal(220_517, 0)).toBe("220,517");
  });
  it("chooses decimals by unit and size", () => {
    expect(amount(3.94, "degC")).toBe("3.9\u202f°C");
    expect(amount(552.4, "kWh")).toBe("552\u202fkWh");
    expect(amount(0.018, "m3/h")).toBe("18\u202fL/h");
    expect(amount(null, "kWh")).toBe("–\u202fkWh");
  });
  it("writes money and shares", () => {
    expect(money(2.84)).toBe("¥2.8");
    expect(money(296.9)).toBe("¥297");
    expect(percent(0.064)).toBe("6\u202f%");
  });
});

describe("times", () => {
  it("uses the site's zone, whatever the browser's", () => {
    expect(clockTime(AT, "en", ZONE)).toBe("21:00");
    expect(clockTime(AT, "en", "Europe/Berlin")).toBe("14:00");
  });
  it("names the day only when it is another", () => {
    expect(moment(AT, AT + 60_000, "en", ZONE)).toBe("21:00");
    expect(moment(AT, AT + 86_400_000, "en", ZONE)).toBe("24 Nov 21:00");
  });
  it("counts in at most two units", () => {
    expect(duration(8_880_000, "en")).toBe("2\u202fh 28\u202fmin");
    expect(age(AT - 12_000, AT, "zh-CN")).toBe("12\u202f秒前");
    expect(age(AT, AT + 500, "en")).toBe("just now");
  });
});
