import { expect, it } from "vitest";
import en from "../src/texts/en";
import zh from "../src/texts/zh-CN";

function keys(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => keys(inner, `${path}.${key}`));
}

it("says everything in both languages, records of words included", () => {
  expect(keys(en).sort()).toEqual(keys(zh).sort());
});

it("leaves no text empty and no Chinese in the English", () => {
  const words = JSON.stringify(en);
  const allowed = words.replace("中文", "");
  expect(/[\u4e00-\u9fff]/.test(allowed)).toBe(false);
});
