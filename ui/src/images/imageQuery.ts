import type { Risk, Severity, TimePeriod } from "../api/generated/types.gen";
import { RISKS } from "../facts/risks";
import { SEVERITIES } from "../facts/severities";

/** What the list of images is narrowed by, as its address says. */
export interface ImageQuery {
  search: string;
  risk: readonly Risk[];
  severity: readonly Severity[];
  cluster: readonly string[];
  namespace: readonly string[];
  cve: readonly string[];
  period: TimePeriod;
}

/** Filters of which several values may be chosen. */
export type ListFilter = "risk" | "severity" | "cluster" | "namespace" | "cve";

export const LIST_FILTERS: readonly ListFilter[] = ["risk", "severity", "cluster", "namespace", "cve"];

export const PERIODS: Record<TimePeriod, string> = {
  now: "Running now",
  "1 hour": "Last hour",
  "24 hours": "Last 24 hours",
  "3 days": "Last 3 days",
  "7 days": "Last 7 days",
  "10 days": "Last 10 days",
};

const MAX_VALUES = 100;

/** The filters in an address. Values that mean nothing are left out: addresses are typed and sent around. */
export function parseImageQuery(parameters: URLSearchParams): ImageQuery {
  const values = (name: string) => [...new Set(parameters.getAll(name).filter(Boolean))].slice(0, MAX_VALUES);
  return {
    search: parameters.get("search") ?? "",
    risk: RISKS.filter((risk) => values("risk").includes(risk)),
    severity: SEVERITIES.filter((severity) => values("severity").includes(severity)),
    cluster: values("cluster"),
    namespace: values("namespace"),
    cve: values("cve"),
    period: periodOf(parameters.get("period")),
  };
}

/** The address of a list with these filters; what is as usual is left out. */
export function formatImageQuery(query: ImageQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.search) {
    parameters.set("search", query.search);
  }
  for (const name of LIST_FILTERS) {
    for (const value of query[name]) {
      parameters.append(name, value);
    }
  }
  if (query.period !== "now") {
    parameters.set("period", query.period);
  }
  return parameters;
}

/** The query with one value of a filter chosen, or no longer chosen if it was. */
export function toggleValue(query: ImageQuery, filter: ListFilter, value: string): ImageQuery {
  const before: readonly string[] = query[filter];
  const after = before.includes(value) ? before.filter((item) => item !== value) : [...before, value];
  return { ...query, [filter]: after };
}

/** Whether anything narrows the list. */
export function isNarrowed(query: ImageQuery): boolean {
  return query.search !== "" || LIST_FILTERS.some((name) => query[name].length > 0);
}

function periodOf(text: string | null): TimePeriod {
  return text !== null && Object.hasOwn(PERIODS, text) ? (text as TimePeriod) : "now";
}
