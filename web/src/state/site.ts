/** The site and the person before it, read once after log-in. */
import { computed, signal } from "@preact/signals";
import { get, loggedIn } from "../api/client";
import type { Me, Site } from "../api/shapes";
import { connect, disconnect, setClock } from "./live";
import { forget } from "./query";

export const site = signal<Site | undefined>(undefined);
export const me = signal<Me | undefined>(undefined);

/** The zone in which days and times are shown. */
export const zone = computed(() => site.value?.zone ?? "Asia/Shanghai");

/** Whether this person may change things. */
export const mayOperate = computed(() => me.value?.role === "operator" || me.value?.role === "admin");

/** Reads who is here and where; false when nobody is logged in. */
export async function enter(): Promise<void> {
  const [person, place] = await Promise.all([get<Me>("/me"), get<Site>("/site")]);
  me.value = person;
  site.value = place;
  setClock(place.now_ms);
  loggedIn.value = true;
  connect();
}

/** Forgets what was read. */
export function leave(): void {
  disconnect();
  forget();
  me.value = undefined;
  loggedIn.value = false;
}
