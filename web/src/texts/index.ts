/** The texts of the language chosen. */
import { lang } from "../state/settings";
import type { Lang } from "../format";
import en from "./en";
import zh, { type Texts } from "./zh-CN";

const texts: Readonly<Record<Lang, Texts>> = { "zh-CN": zh, en };

/** Every text, in the language of now; a component that calls it follows the switch. */
export function t(): Texts {
  return texts[lang.value];
}
