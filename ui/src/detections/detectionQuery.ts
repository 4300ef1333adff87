import type { DetectionOrder, DetectionStatus, Response, Severity, Shown } from "../api/generated/types.gen";
import { SEVERITIES } from "../facts/severities";
import { DETECTIONS_PATH } from "./paths";

/** What the page on detections shows, as its address says. */
export interface DetectionQuery {
  /** Part of a workload's name. */
  search: string;
  severity: readonly Severity[];
  status: readonly DetectionStatus[];
  response: readonly Response[];
  rule: readonly string[];
  /** Of the image, with its registry. */
  repository: readonly string[];
  cluster: readonly string[];
  namespace: readonly string[];
  shown: Shown;
  order: DetectionOrder;
  days: number;
}

/** Filters of which several values may be chosen. */
export type ListFilter = "severity" | "status" | "response" | "rule" | "repository" | "cluster" | "namespace";

export const LIST_FILTERS: readonly ListFilter[] = [
  "severity",
  "status",
  "response",
  "rule",
  "repository",
  "cluster",
  "namespace",
];

export const STATUS_NAMES: Record<DetectionStatus, string> = {
  open: "Open",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
};
export const STATUSES: readonly DetectionStatus[] = ["open", "acknowledged", "resolved"];

export const RESPONSE_NAMES: Record<Response, string> = {
  reported: "Reported only",
  would_block: "Would be stopped",
  killed: "Killed",
  denied: "Denied",
};
export const RESPONSES: readonly Response[] = ["reported", "would_block", "killed", "denied"];

export const SHOWN_NAMES: Record<Shown, string> = {
  visible: "Not suppressed",
  suppressed: "Suppressed only",
  all: "All, suppressed too",
};

export const ORDER_NAMES: Record<DetectionOrder, string> = { newest: "Last seen first", severity: "Worst first" };

export const PERIODS: readonly { days: number; label: string }[] = [
  { days: 1, label: "Last 24 hours" },
  { days: 7, label: "Last 7 days" },
  { days: 30, label: "Last 30 days" },
  { days: 90, label: "Last 90 days" },
  { days: 365, label: "Last year" },
];

const USUAL_DAYS = 30;
const MAX_VALUES = 100;
const DAY_MILLISECONDS = 86_400_000;

/** The query in an address. Values that mean nothing are left out: addresses are typed and sent around. */
export function parseDetectionQuery(parameters: URLSearchParams): DetectionQuery {
  const values = (name: string) => [...new Set(parameters.getAll(name).filter(Boolean))].slice(0, MAX_VALUES);
  const days = Number(parameters.get("days"));
  const shown = parameters.get("shown");
  return {
    search: parameters.get("search") ?? "",
    severity: SEVERITIES.filter((item) => values("severity").includes(item)),
    status: STATUSES.filter((item) => values("status").includes(item)),
    response: RESPONSES.filter((item) => values("response").includes(item)),
    rule: values("rule"),
    repository: values("repository"),
    cluster: values("cluster"),
    namespace: values("namespace"),
    shown: shown === "suppressed" || shown === "all" ? shown : "visible",
    order: parameters.get("order") === "severity" ? "severity" : "newest",
    days: PERIODS.some((period) => period.days === days) ? days : USUAL_DAYS,
  };
}

/** The address of the page with a query; what is as usual is left out. */
export function formatDetectionQuery(query: DetectionQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.search) {
    parameters.set("search", query.search);
  }
  for (const name of LIST_FILTERS) {
    for (const value of query[name]) {
      parameters.append(name, value);
    }
  }
  if (query.shown !== "visible") {
    parameters.set("shown", query.shown);
  }
  if (query.order !== "newest") {
    parameters.set("order", query.order);
  }
  if (query.days !== USUAL_DAYS) {
    parameters.set("days", String(query.days));
  }
  return parameters;
}

/** The query with one value of a filter chosen, or no longer chosen if it was. */
export function toggleValue(query: DetectionQuery, filter: ListFilter, value: string): DetectionQuery {
  const before: readonly string[] = query[filter];
  const after = before.includes(value) ? before.filter((item) => item !== value) : [...before, value];
  return { ...query, [filter]: after };
}

/** Whether anything but the period narrows the list. */
export function isNarrowed(query: DetectionQuery): boolean {
  return query.search !== "" || LIST_FILTERS.some((name) => query[name].length > 0);
}

/** What the service is asked for a query. `since` is a whole hour: the same question is asked again and again. */
export function filterOf(query: DetectionQuery, now: Date) {
  const since = new Date(now.getTime() - query.days * DAY_MILLISECONDS);
  since.setUTCMinutes(0, 0, 0);
  return {
    workload: query.search,
    severity: [...query.severity],
    status: [...query.status],
    response: [...query.response],
    rule: [...query.rule],
    repository: [...query.repository],
    cluster: [...query.cluster],
    namespace: [...query.namespace],
    shown: query.shown,
    order: query.order,
    since: since.toISOString(),
  };
}

const OPEN = parseDetectionQuery(new URLSearchParams("status=open&status=acknowledged&days=365&order=severity"));

/** Where the open detections of an image are listed, by registry and repository. */
export function openDetectionsPath(repository: string): string {
  return detectionPath(null, { ...OPEN, repository: [repository] });
}

/** The address of a detection beside the list that a query gives. */
export function detectionPath(id: number | null, query: DetectionQuery): string {
  const search = formatDetectionQuery(query).toString();
  const path = id === null ? DETECTIONS_PATH : `${DETECTIONS_PATH}/${id}`;
  return search ? `${path}?${search}` : path;
}
