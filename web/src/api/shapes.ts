/** The API's types by short names; types.ts is generated from openapi.json. */
import type { components } from "./types";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Site = Schemas["Site"];
export type Series = Schemas["Series"];
export type Line = Schemas["Line"];
export type Evidence = Schemas["Evidence"];
export type IncidentLike = Schemas["Incident"];
export type IncidentBrief = Schemas["IncidentBrief"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type IncidentList = Schemas["IncidentList"];
export type UsageCard = Schemas["UsageCard"];
export type Usage = Schemas["Usage"];
export type ColdUnit = Schemas["ColdUnit"];
export type Cold = Schemas["Cold"];
export type MeterNow = Schemas["MeterNow"];
export type RoomNow = Schemas["Room"];
export type Worth = Schemas["Worth"];
export type WeekDay = Schemas["Day"];
export type Today = Schemas["Today"];
export type QuarantineItem = Schemas["QuarantineItem"];
export type QuarantineList = Schemas["Quarantine"];
export type PointNow = Schemas["PointNow"];
export type InboxItem = Schemas["InboxItem"];
export type InboxList = Schemas["Inbox"];
export type DeviceOut = Schemas["DeviceOut"];
export type DeviceList = Schemas["DeviceList"];
export type History = Schemas["History"];
export type System = Schemas["System"];
export type DeviceRole = Schemas["DeviceRole"];
export type Mappings = Schemas["Mappings"];
export type MappingIn = Schemas["MappingIn"];
export type MappingTopic = Schemas["MappingTopic"];
export type MappingPreview = Schemas["MappingPreview"];
