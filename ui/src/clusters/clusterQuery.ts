import type { ClusterOrder, ClusterStatus, ListManagedClustersData, Scanner } from "../api/generated/types.gen";
import { CLUSTER_STATUSES } from "./health";

/** What the inventory is narrowed to, and its order. */
export interface ClusterQuery {
  search: string;
  status: readonly ClusterStatus[];
  provider: readonly string[];
  withoutScanner: readonly Scanner[];
  order: ClusterOrder;
  isDescending: boolean;
}

export const ORDERS: readonly ClusterOrder[] = [
  "name",
  "status",
  "controller",
  "sensors",
  "provider",
  "location",
  "version",
  "created_at",
];

export const SCANNERS: readonly Scanner[] = [
  "sca",
  "contextual_analysis",
  "secrets",
  "applications",
  "services",
  "iac",
];

/** The query in an address; what means nothing is left out. */
export function parseClusterQuery(parameters: URLSearchParams): ClusterQuery {
  return {
    search: parameters.get("search") ?? "",
    status: CLUSTER_STATUSES.filter((status) => parameters.getAll("status").includes(status)),
    provider: parameters.getAll("provider"),
    withoutScanner: SCANNERS.filter((scanner) => parameters.getAll("without").includes(scanner)),
    order: ORDERS.find((order) => order === parameters.get("order")) ?? "name",
    isDescending: parameters.get("descending") === "true",
  };
}

/** The address's parameters of a query. */
export function formatClusterQuery(query: ClusterQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.search) {
    parameters.set("search", query.search);
  }
  for (const status of query.status) {
    parameters.append("status", status);
  }
  for (const provider of query.provider) {
    parameters.append("provider", provider);
  }
  for (const scanner of query.withoutScanner) {
    parameters.append("without", scanner);
  }
  if (query.order !== "name") {
    parameters.set("order", query.order);
  }
  if (query.isDescending) {
    parameters.set("descending", "true");
  }
  return parameters;
}

/** What the service is asked for. */
export function requestOf(query: ClusterQuery): NonNullable<ListManagedClustersData["query"]> {
  return {
    search: query.search,
    status: [...query.status],
    provider: [...query.provider],
    without_scanner: [...query.withoutScanner],
    order_by: query.order,
    descending: query.isDescending,
  };
}

/** Whether anything narrows the list. */
export function isNarrowed({ search, status, provider, withoutScanner }: ClusterQuery): boolean {
  return search !== "" || status.length + provider.length + withoutScanner.length > 0;
}

/** The same query with a value chosen, or no longer where it was. */
export function toggled<Value>(values: readonly Value[], value: Value): readonly Value[] {
  return values.includes(value) ? values.filter((each) => each !== value) : [...values, value];
}
