/** What this browser remembers: language and light or dark. */
import { computed, effect, signal } from "@preact/signals";
import type { Lang } from "../format";

export type Theme = "auto" | "light" | "dark";

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is blocked: the page works, it only forgets
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see above
  }
}

function firstLang(): Lang {
  const kept = remembered("lang");
  if (kept === "zh-CN" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

function firstTheme(): Theme {
  const kept = remembered("theme");
  return kept === "light" || kept === "dark" ? kept : "auto";
}

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

export const lang = signal<Lang>(firstLang());
export const theme = signal<Theme>(firstTheme());

/** Whether dark colours show now. */
export const dark = computed(() =>
  theme.value === "auto" ? systemIsDark.value : theme.value === "dark",
);

effect(() => {
  document.documentElement.lang = lang.value;
  remember("lang", lang.value);
});
effect(() => {
  document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
  remember("theme", theme.value);
});
