import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { exportLiveProcesses, getLiveProcessSummary, listLiveProcesses } from "../api/generated/sdk.gen";
import type { ExportFormat, LiveProcess, ProcessOrder } from "../api/generated/types.gen";
import { askedOf, type LiveQuery } from "../live/liveQuery";
import { PAGE_BY_PAGE, ROWS_AT_ONCE } from "../live/liveRows";

/** What a list of processes can be ordered by; the first is how it is by itself. */
export const PROCESS_ORDERS: Readonly<Record<ProcessOrder, string>> = {
  risk: "Riskiest first",
  vulnerabilities: "Most vulnerabilities first",
  workloads: "Most workloads first",
  seen: "Last started first",
  name: "By name",
};

/** A process by its program and image. */
export function processKey({ image_tag_id, program_id }: Pick<LiveProcess, "image_tag_id" | "program_id">): string {
  return `${image_tag_id}/${program_id}`;
}

/** The address of a process's page. */
export function processPath(process: Pick<LiveProcess, "image_tag_id" | "program_id">): string {
  return `/runtime/live/processes/${processKey(process)}`;
}

/** Processes that meet a query, a page at a time. */
export function processListOptions(query: LiveQuery) {
  const asked = { ...askedOf(query), order: (query.order || "risk") as ProcessOrder };
  return infiniteQueryOptions({
    queryKey: [{ _id: "listLiveProcesses", query: asked }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listLiveProcesses({
        query: { ...asked, limit: ROWS_AT_ONCE, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    ...PAGE_BY_PAGE,
    select: ({ pages }) => pages.map((page) => page.processes),
  });
}

/** How many processes meet a query, of how many, and how many have each risk. */
export function processSummaryOptions(query: LiveQuery) {
  const asked = askedOf(query);
  return queryOptions({
    queryKey: [{ _id: "getLiveProcessSummary", query: asked }],
    queryFn: async ({ signal }) => {
      const { data } = await getLiveProcessSummary({ query: asked, signal, throwOnError: true });
      return data;
    },
    placeholderData: keepPreviousData,
  });
}

/** Every process that meets a query, as a file. */
export async function exportProcesses(query: LiveQuery, format: ExportFormat): Promise<Blob> {
  const { data } = await exportLiveProcesses({
    query: { ...askedOf(query), format },
    parseAs: "blob",
    throwOnError: true,
  });
  return data as Blob;
}
