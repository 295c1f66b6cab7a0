/* provisional until openapi.json lands */
export interface Me { actor: string; role: string }
export interface Site {
  id: string; name: string; zone: string; lang: string; pupils: number; now_ms: number; version: string;
  buildings: { id: string; name: string; area_m2: number }[];
  areas: { id: string; name: string; building: string }[];
}
export interface Series { at_ms: number[]; value: (number | null)[] }
export interface Profile { at_ms: number[]; value: (number | null)[]; low: (number | null)[]; high: (number | null)[] }
export interface IncidentLike {
  id: number; rule: string; severity: string; state: string; device: number; device_name: string;
  since_ms: number; opened_ms: number; acknowledged_ms: number | null; acknowledged_by: string;
  recovered_ms: number | null; closed_ms: number | null;
  evidence: Record<string, number | string | boolean | null>;
}
export interface Line { point: number; channel: string; quantity: string; unit: string; at_ms: number[]; value: (number | null)[] }
export interface Evidence { series: Line[]; limit_low: number | null; limit_high: number | null; start_ms: number; end_ms: number }
export interface IncidentBrief extends IncidentLike { chart: Evidence | null; notified: string[] }
export interface UsageCard {
  unit: string; total: number | null; usual: number | null; usual_low: number | null; usual_high: number | null;
  cost_cny: number | null; coverage: number; estimated: number; hours: Profile; until_ms: number;
}
export interface ColdUnit {
  device: number; name: string; role: string; air: number | null; air_point: number | null; air_at_ms: number | null;
  food: number | null; food_point: number | null; limit_low: number | null; limit_high: number | null;
  state: string; since_ms: number | null; incident: number | null; series: Series; exposure_min: number | null; door: number | null; power_kw: number | null;
  excursions: { start_ms: number; end_ms: number | null; peak: number }[];
}
export interface RoomNow { device: number; name: string; temperature: number | null; humidity: number | null; co2: number | null; at_ms: number | null; temperature_point: number | null }
export interface Worth { kind: string; device: number; device_name: string; cny: number; cny_per_day: number; evidence: Record<string, number | string>; incident: number | null }
export interface WeekDay { day: string; start_ms: number; kind: string; value: number | null; low: number | null; high: number | null; coverage: number }
export interface Today {
  now_ms: number; last_reading_ms: number | null; day_kind: string; week_number: number | null; outdoor_c: number | null;
  incidents: IncidentBrief[]; electricity: UsageCard; water: UsageCard;
  cold: { units: ColdUnit[] }; rooms: RoomNow[]; worth: Worth[]; week: WeekDay[];
  counts: { devices: number; online: number; inbox: number; quarantine: number; open_incidents: number; estimated: number };
}
export interface QuarantineItem { id: number; first_ms: number; last_ms: number; topic: string; device: string; driver: string; payload: string; reason: string; detail: string; count: number; state: string }
export interface QuarantineList { items: QuarantineItem[]; reasons: Record<string, number> }
export interface PointNow { point: number; channel: string; quantity: string; unit: string; kind: string; value: number | null; at_ms: number | null; quality: number }
export interface InboxItem { id: number; key: string; driver: string; model: string; first_heard_ms: number; last_heard_ms: number; messages: number; topic: string; payload: string; readings: PointNow[]; suggested: { name: string; role: string; building: string; area: string; interval_s: number } }
export interface InboxList { items: InboxItem[] }
