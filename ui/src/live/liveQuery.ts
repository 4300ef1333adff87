import type { TimePeriod } from "../api/generated/types.gen";
import { RISKS } from "../facts/risks";
import { SEVERITIES } from "../facts/severities";
import { FILTERS, type FilterKey } from "./filters";

/** What a list of Live Assessment is narrowed and ordered by, as its address says. */
export interface LiveQuery {
  search: string;
  period: TimePeriod;
  /** Empty: as the list is ordered by itself. */
  order: string;
  /** Of every filter the values of which one has to hold. */
  values: Readonly<Partial<Record<FilterKey, readonly string[]>>>;
  /** The saved view it started from. */
  view: number | null;
}

export const PERIODS: Record<TimePeriod, string> = {
  now: "Running now",
  "1 hour": "Last hour",
  "24 hours": "Last 24 hours",
  "3 days": "Last 3 days",
  "7 days": "Last 7 days",
  "10 days": "Last 10 days",
};

export const EVERYTHING: LiveQuery = { search: "", period: "now", order: "", values: {}, view: null };

const MAX_VALUES = 100;
const MEANINGFUL: Partial<Record<FilterKey, readonly string[]>> = {
  risk: RISKS,
  severity: SEVERITIES,
  detection: SEVERITIES,
  integrity_status: ["No Issues", "Untrusted Registry", "Invalid Image Source", "Invalid Image Integrity"],
  violation: ["Missing Source", "Digest Mismatch", "Post-Deployment Tag Update"],
};

/** The filters in an address. Values that mean nothing are left out: addresses are typed and sent around. */
export function parseLiveQuery(parameters: URLSearchParams, orders: readonly string[] = []): LiveQuery {
  const values: Partial<Record<FilterKey, readonly string[]>> = {};
  for (const { key } of FILTERS) {
    const given = [...new Set(parameters.getAll(key).filter(Boolean))].slice(0, MAX_VALUES);
    const kept = given.filter((value) => MEANINGFUL[key]?.includes(value) ?? true);
    if (kept.length > 0) {
      values[key] = kept;
    }
  }
  const period = parameters.get("period") ?? "";
  const order = parameters.get("order") ?? "";
  const view = Number(parameters.get("view"));
  return {
    search: parameters.get("search") ?? "",
    period: Object.hasOwn(PERIODS, period) ? (period as TimePeriod) : "now",
    order: orders.includes(order) ? order : "",
    values,
    view: Number.isSafeInteger(view) && view > 0 ? view : null,
  };
}

/** The address of a list with these filters; what is as usual is left out. */
export function formatLiveQuery(query: LiveQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.search) {
    parameters.set("search", query.search);
  }
  for (const { key } of FILTERS) {
    for (const value of query.values[key] ?? []) {
      parameters.append(key, value);
    }
  }
  if (query.period !== "now") {
    parameters.set("period", query.period);
  }
  if (query.order) {
    parameters.set("order", query.order);
  }
  if (query.view !== null) {
    parameters.set("view", String(query.view));
  }
  return parameters;
}

/** What a saved view keeps of a query: everything but which view it is. */
export function describeView(query: LiveQuery): string {
  return formatLiveQuery({ ...query, view: null }).toString();
}

/** The query with one value of a filter chosen, or no longer chosen if it was. */
export function toggleValue(query: LiveQuery, key: FilterKey, value: string): LiveQuery {
  const before = query.values[key] ?? [];
  return withValues(query, key, before.includes(value) ? before.filter((item) => item !== value) : [...before, value]);
}

/** The query with these values of a filter. */
export function withValues(query: LiveQuery, key: FilterKey, chosen: readonly string[]): LiveQuery {
  const { [key]: _, ...others } = query.values;
  return { ...query, values: chosen.length > 0 ? { ...others, [key]: chosen } : others };
}

/** Whether anything narrows the list. */
export function isNarrowed(query: LiveQuery): boolean {
  return query.search !== "" || Object.keys(query.values).length > 0;
}

/** The query as the API takes it, without its order. */
export function askedOf(query: LiveQuery): Record<string, unknown> & { period: TimePeriod } {
  return { search: query.search, period: query.period, ...query.values };
}
