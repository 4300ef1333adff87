import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { exportLiveWorkloads, getLiveWorkloadSummary, listLiveWorkloads } from "../api/generated/sdk.gen";
import type { ExportFormat, WorkloadOrder } from "../api/generated/types.gen";
import { askedOf, type LiveQuery } from "../live/liveQuery";
import { PAGE_BY_PAGE, ROWS_AT_ONCE } from "../live/liveRows";

/** What a list of workloads can be ordered by; the first is how it is by itself. */
export const WORKLOAD_ORDERS: Readonly<Record<WorkloadOrder, string>> = {
  risk: "Riskiest first",
  vulnerabilities: "Most vulnerabilities first",
  name: "By name",
  cluster: "By cluster",
  status: "Running first",
  registry: "By registry",
};

/** Workloads that meet a query, a page at a time. */
export function workloadListOptions(query: LiveQuery) {
  const asked = { ...askedOf(query), order: (query.order || "risk") as WorkloadOrder };
  return infiniteQueryOptions({
    queryKey: [{ _id: "listLiveWorkloads", query: asked }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listLiveWorkloads({
        query: { ...asked, limit: ROWS_AT_ONCE, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    ...PAGE_BY_PAGE,
    select: ({ pages }) => pages.map((page) => page.workloads),
  });
}

/** How many workloads meet a query, of how many, and how many have each risk. */
export function workloadSummaryOptions(query: LiveQuery) {
  const asked = askedOf(query);
  return queryOptions({
    queryKey: [{ _id: "getLiveWorkloadSummary", query: asked }],
    queryFn: async ({ signal }) => {
      const { data } = await getLiveWorkloadSummary({ query: asked, signal, throwOnError: true });
      return data;
    },
    placeholderData: keepPreviousData,
  });
}

/** Every workload that meets a query, as a file. */
export async function exportWorkloads(query: LiveQuery, format: ExportFormat): Promise<Blob> {
  const { data } = await exportLiveWorkloads({
    query: { ...askedOf(query), format },
    parseAs: "blob",
    throwOnError: true,
  });
  return data as Blob;
}

/** The address of a workload's page. */
export function workloadPath(id: number): string {
  return `/runtime/live/workloads/${id}`;
}
