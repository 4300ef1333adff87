import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { listAlerts } from "../api/generated/sdk.gen";
import type { AlertOut } from "../api/generated/types.gen";

export type AlertStatus = AlertOut["status"];

/** Deliveries are no events, so pages that show how alerts fare ask by themselves. */
export const ALERTS_INTERVAL_MILLISECONDS = 10_000;

export const ALERT_STATUSES: readonly AlertStatus[] = ["delivered", "pending", "dead", "suppressed"];

export const ALERT_STATUS_NAMES: Record<AlertStatus, string> = {
  delivered: "Delivered",
  pending: "Pending",
  dead: "Dead letter",
  suppressed: "Suppressed",
};

/** What the log is narrowed to, and which alert is open beside it. */
export interface AlertQuery {
  worker?: number | undefined;
  status?: AlertStatus | undefined;
  alert?: string | undefined;
}

/** The query in an address; what means nothing is left out. */
export function parseAlertQuery(parameters: URLSearchParams): AlertQuery {
  return {
    worker: Number(parameters.get("worker")) || undefined,
    status: ALERT_STATUSES.find((status) => status === parameters.get("status")),
    alert: parameters.get("alert") ?? undefined,
  };
}

/** The address of the log with a query. */
export function alertsPath(query: AlertQuery): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) {
      parameters.set(name, String(value));
    }
  }
  const search = parameters.toString();
  return search ? `/admin/workers/alerts?${search}` : "/admin/workers/alerts";
}

/** Alerts, newest first, a page at a time. */
export function alertListOptions({ worker, status }: AlertQuery) {
  return infiniteQueryOptions({
    queryKey: [{ _id: "listAlerts", worker, status }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listAlerts({
        query: { worker_id: worker, status, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_key,
    placeholderData: keepPreviousData,
    refetchInterval: ALERTS_INTERVAL_MILLISECONDS,
    select: ({ pages }) => pages.flatMap((page) => page.alerts),
  });
}
