/** What stands around every page: menu, switches, the word when the connection is lost. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { change } from "../api/client";
import type { Today } from "../api/shapes";
import { clockTime } from "../format";
import { Link, route } from "../router";
import { connect, connection, lostSince, stale } from "../state/live";
import { useQuery } from "../state/query";
import { dark, lang, theme } from "../state/settings";
import { leave, me, zone } from "../state/site";
import { t } from "../texts";
import {
  AutoIcon,
  ColdIcon,
  DarkIcon,
  DeviceIcon,
  ElectricityIcon,
  InboxIcon,
  IncidentsIcon,
  LanguageIcon,
  LightIcon,
  LogOutIcon,
  MoreIcon,
  OfflineIcon,
  QuarantineIcon,
  SystemIcon,
  TermIcon,
  TodayIcon,
  WaterIcon,
} from "./Icons";

export function Brand(): JSX.Element {
  return (
    <div class="brand">
      <svg viewBox="0 0 28 28" aria-hidden="true">
        <rect width="28" height="28" rx="8" fill="var(--green)" />
        <path
          d="M8.5 19.5v-7L14 8l5.5 4.5v7M11 15.6h1.6l1.4-2.2 1.4 4 1-1.8H18"
          fill="none"
          stroke="var(--on-strong)"
          stroke-width="1.9"
          stroke-linecap="round"
          stroke-linejoin="round"
        />
      </svg>
      {t().name}
    </div>
  );
}

const THEMES = ["auto", "light", "dark"] as const;

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
}

function otherLanguage(): void {
  lang.value = lang.value === "en" ? "zh-CN" : "en";
}

async function logOut(): Promise<void> {
  await change("POST", "/logout").catch(() => undefined);
  leave();
}

function ThemeIcon(): JSX.Element {
  if (theme.value === "auto") return <AutoIcon aria-hidden="true" />;
  return dark.value ? <DarkIcon aria-hidden="true" /> : <LightIcon aria-hidden="true" />;
}

/** Language, light or dark, log-out. */
export function Switches(): JSX.Element {
  const words = t().settings;
  const look = `${words.theme}${t().colon}${words[theme.value]}`;
  return (
    <div class="switches">
      <button type="button" data-testid="lang" onClick={otherLanguage} lang={lang.value === "en" ? "zh-CN" : "en"}>
        <LanguageIcon aria-hidden="true" />
        {words.otherLanguage}
      </button>
      <button type="button" data-testid="theme" onClick={nextTheme} title={look} aria-label={look}>
        <ThemeIcon />
      </button>
      {me.value !== undefined && (
        <button type="button" onClick={logOut} title={words.logOut} aria-label={words.logOut}>
          <LogOutIcon aria-hidden="true" />
        </button>
      )}
    </div>
  );
}

interface Place {
  to: string;
  name: string;
  icon: typeof TodayIcon;
  count?: number;
  urgent?: boolean;
  says?: string;
}

function usePlaces(): { first: Place[]; second: Place[] } {
  const today = useQuery<Today>("/today", { on: ["incident", "inbox", "quarantine"] }).data.value;
  const words = t().nav;
  const counts = today?.counts;
  const open = counts?.open_incidents ?? 0;
  const cold = (today?.cold.units ?? []).filter((unit) => unit.state !== "ok").length;
  const inbox = counts?.inbox ?? 0;
  return {
    first: [
      { to: "/", name: words.today, icon: TodayIcon },
      { to: "/electricity", name: words.electricity, icon: ElectricityIcon },
      { to: "/water", name: words.water, icon: WaterIcon },
      { to: "/cold", name: words.cold, icon: ColdIcon, count: cold, urgent: true, says: words.openCount(cold) },
      { to: "/incidents", name: words.incidents, icon: IncidentsIcon, count: open, says: words.openCount(open) },
    ],
    second: [
      { to: "/term", name: words.term, icon: TermIcon },
      { to: "/devices", name: words.devices, icon: DeviceIcon },
      { to: "/inbox", name: words.inbox, icon: InboxIcon, count: inbox, says: words.waitingCount(inbox) },
      { to: "/quarantine", name: words.quarantine, icon: QuarantineIcon },
      { to: "/system", name: words.system, icon: SystemIcon },
    ],
  };
}

function here(to: string): boolean {
  return `/${route.value[0] ?? ""}` === to;
}

function Count({ place }: { place: Place }): JSX.Element | null {
  if ((place.count ?? 0) === 0) return null;
  return (
    <span class={`count${place.urgent === true ? " urgent" : ""}`}>
      <span aria-hidden="true">{place.count}</span>
      <span class="visually-hidden">{place.says}</span>
    </span>
  );
}

function Item({ place, onClick }: { place: Place; onClick?: () => void }): JSX.Element {
  const Icon = place.icon;
  return (
    <span onClick={onClick}>
      <Link to={place.to} class="item" aria-current={here(place.to) ? "page" : undefined}>
        <Icon aria-hidden="true" />
        {place.name}
        <Count place={place} />
      </Link>
    </span>
  );
}

function Side({ first, second }: { first: Place[]; second: Place[] }): JSX.Element {
  return (
    <nav class="side" aria-label={t().nav.label}>
      <Brand />
      {first.map((place) => (
        <Item key={place.to} place={place} />
      ))}
      <hr />
      {second.map((place) => (
        <Item key={place.to} place={place} />
      ))}
      <div class="foot">
        <Switches />
      </div>
    </nav>
  );
}

function Bottom({ first, second }: { first: Place[]; second: Place[] }): JSX.Element {
  const open = useSignal(false);
  const words = t();
  const shown = first.filter((place) => place.to !== "/water");
  const rest = [...first.filter((place) => place.to === "/water"), ...second];
  const close = () => {
    open.value = false;
  };
  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape") open.value = false;
    };
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, [open]);
  return (
    <>
      <nav class="bottom" aria-label={words.nav.label}>
        {shown.map((place) => {
          const Icon = place.icon;
          return (
            <Link key={place.to} to={place.to} aria-current={here(place.to) ? "page" : undefined}>
              <Icon aria-hidden="true" />
              {place.to === "/" ? words.nav.todayShort : place.name}
              <Count place={place} />
            </Link>
          );
        })}
        <button
          type="button"
          aria-expanded={open.value}
          aria-current={rest.some((place) => here(place.to)) ? "page" : undefined}
          onClick={() => (open.value = !open.value)}
        >
          <MoreIcon aria-hidden="true" />
          {words.nav.more}
        </button>
      </nav>
      {open.value && (
        <>
          <div class="sheet-veil" onClick={close} />
          <div class="sheet" role="dialog" aria-label={words.nav.more}>
            {rest.map((place) => (
              <Item key={place.to} place={place} onClick={close} />
            ))}
            <button class="item" type="button" onClick={otherLanguage}>
              <LanguageIcon aria-hidden="true" />
              {words.settings.language}
              <span class="value">{words.settings.otherLanguage}</span>
            </button>
            <button class="item" type="button" onClick={nextTheme}>
              <ThemeIcon />
              {words.settings.theme}
              <span class="value">{words.settings[theme.value]}</span>
            </button>
            <button class="item" type="button" onClick={logOut}>
              <LogOutIcon aria-hidden="true" />
              {words.settings.logOut}
              <span class="value">{words.settings.role(me.value?.role ?? "")}</span>
            </button>
          </div>
        </>
      )}
    </>
  );
}

function LostBar(): JSX.Element | null {
  if (connection.value !== "lost") return null;
  const words = t().connection;
  const since = lostSince.value;
  return (
    <div class="lost-bar" role="status">
      <span class="state tone-orange">
        <OfflineIcon aria-hidden="true" />
      </span>
      <span style={{ flex: 1 }}>
        {since > 0 ? words.lost(clockTime(since, lang.value, zone.value, true)) : words.never}
      </span>
      <button class="button small" type="button" onClick={connect}>
        {words.retry}
      </button>
    </div>
  );
}

/** The frame; its content greys when nothing live is behind it. */
export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const places = usePlaces();
  return (
    <div class={`shell${stale.value ? " stale" : ""}`}>
      <a class="skip visually-hidden" href="#main">
        {t().skip}
      </a>
      <Side {...places} />
      <main id="main" tabIndex={-1}>
        <LostBar />
        <div class="live-area">{children}</div>
      </main>
      <Bottom {...places} />
    </div>
  );
}
