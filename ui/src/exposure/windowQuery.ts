import type { SeriesGroup, WindowRisk, WindowState } from "../api/generated/types.gen";
import { WINDOW_RISKS } from "../facts/risks";

/** Which figure of a day or week a line shows. */
export type Measure = "median" | "p90";

/** What the page on exposure windows shows, as its address says. */
export interface WindowQuery {
  /** Part of a workload's name. */
  search: string;
  risk: readonly WindowRisk[];
  state: readonly WindowState[];
  cluster: readonly string[];
  namespace: readonly string[];
  team: readonly string[];
  days: number;
  group: SeriesGroup;
  measure: Measure;
}

/** Filters of which several values may be chosen. */
export type ListFilter = "risk" | "state" | "cluster" | "namespace" | "team";

export const LIST_FILTERS: readonly ListFilter[] = ["risk", "state", "cluster", "namespace", "team"];

export const STATE_NAMES: Record<WindowState, string> = {
  open: "Open",
  acknowledged: "Acknowledged",
  suppressed: "Suppressed",
  closed: "Closed",
};

export const STATES: readonly WindowState[] = ["open", "acknowledged", "suppressed", "closed"];

export const PERIODS: readonly { days: number; label: string }[] = [
  { days: 1, label: "Last 24 hours" },
  { days: 7, label: "Last 7 days" },
  { days: 30, label: "Last 30 days" },
  { days: 90, label: "Last 90 days" },
  { days: 365, label: "Last year" },
];

export const GROUP_NAMES: Record<SeriesGroup, string> = { all: "All windows", risk: "By risk", team: "By team" };

export const MEASURE_NAMES: Record<Measure, string> = { median: "Median", p90: "9 in 10 at most" };

const USUAL_DAYS = 30;
const LONGEST_BY_DAY = 90;
const MAX_VALUES = 100;
const DAY_MILLISECONDS = 86_400_000;

/** The query in an address. Values that mean nothing are left out: addresses are typed and sent around. */
export function parseWindowQuery(parameters: URLSearchParams): WindowQuery {
  const values = (name: string) => [...new Set(parameters.getAll(name).filter(Boolean))].slice(0, MAX_VALUES);
  const days = Number(parameters.get("days"));
  const group = parameters.get("group");
  return {
    search: parameters.get("search") ?? "",
    risk: WINDOW_RISKS.filter((risk) => values("risk").includes(risk)),
    state: STATES.filter((state) => values("state").includes(state)),
    cluster: values("cluster"),
    namespace: values("namespace"),
    team: values("team"),
    days: PERIODS.some((period) => period.days === days) ? days : USUAL_DAYS,
    group: group === "risk" || group === "team" ? group : "all",
    measure: parameters.get("measure") === "p90" ? "p90" : "median",
  };
}

/** The address of the page with a query; what is as usual is left out. */
export function formatWindowQuery(query: WindowQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.search) {
    parameters.set("search", query.search);
  }
  for (const name of LIST_FILTERS) {
    for (const value of query[name]) {
      parameters.append(name, value);
    }
  }
  if (query.days !== USUAL_DAYS) {
    parameters.set("days", String(query.days));
  }
  if (query.group !== "all") {
    parameters.set("group", query.group);
  }
  if (query.measure !== "median") {
    parameters.set("measure", query.measure);
  }
  return parameters;
}

/** The query with one value of a filter chosen, or no longer chosen if it was. */
export function toggleValue(query: WindowQuery, filter: ListFilter, value: string): WindowQuery {
  const before: readonly string[] = query[filter];
  const after = before.includes(value) ? before.filter((item) => item !== value) : [...before, value];
  return { ...query, [filter]: after };
}

/** Whether anything but the period narrows the list. */
export function isNarrowed(query: WindowQuery): boolean {
  return query.search !== "" || LIST_FILTERS.some((name) => query[name].length > 0);
}

/** What the service is asked for a query. `since` is a whole hour: the same question is asked again and again. */
export function filterOf(query: WindowQuery, now: Date) {
  const since = new Date(now.getTime() - query.days * DAY_MILLISECONDS);
  since.setUTCMinutes(0, 0, 0);
  return {
    workload: query.search,
    risk: [...query.risk],
    cluster: [...query.cluster],
    namespace: [...query.namespace],
    team: [...query.team],
    since: since.toISOString(),
  };
}

/** How long a point of the chart is. */
export function bucketOf(days: number): "day" | "week" {
  return days > LONGEST_BY_DAY ? "week" : "day";
}

/** Where a list can be had as a file. */
export function exportPath(query: WindowQuery, format: "csv" | "json", now: Date): string {
  const parameters = new URLSearchParams({ format });
  for (const [name, value] of Object.entries({ ...filterOf(query, now), state: query.state })) {
    for (const item of typeof value === "string" ? [value] : value) {
      if (item) {
        parameters.append(name, item);
      }
    }
  }
  return `/api/v1/exposure-windows/export?${parameters}`;
}

/** The address of a window beside the list that a query gives. */
export function windowPath(id: number | null, query: WindowQuery): string {
  const search = formatWindowQuery(query).toString();
  const path = id === null ? "/runtime/exposure-windows" : `/runtime/exposure-windows/${id}`;
  return search ? `${path}?${search}` : path;
}
