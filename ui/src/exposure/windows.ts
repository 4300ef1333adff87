import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { getExposureStatistics, listExposureWindows } from "../api/generated/sdk.gen";
import { bucketOf, filterOf, type WindowQuery } from "./windowQuery";

const ROWS_AT_ONCE = 50;

/** Deliveries and what people do are no events, so the page asks by itself. */
const INTERVAL_MILLISECONDS = 15_000;

/** Operations whose answers differ after something was done about a window. */
export const SHOWING_WINDOWS: ReadonlySet<string> = new Set([
  "listExposureWindows",
  "getExposureWindow",
  "getExposureStatistics",
]);

/** Windows that meet a query, the newest first, a page at a time. */
export function windowListOptions(query: WindowQuery) {
  const { group: _group, measure: _measure, ...asked } = query;
  return infiniteQueryOptions({
    queryKey: [{ _id: "listExposureWindows", asked }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listExposureWindows({
        query: { ...filterOf(query, new Date()), state: [...query.state], limit: ROWS_AT_ONCE, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_key || undefined,
    placeholderData: keepPreviousData,
    refetchInterval: INTERVAL_MILLISECONDS,
    select: ({ pages }) => ({
      windows: pages.flatMap((page) => page.windows),
      total: pages[pages.length - 1]?.total ?? 0,
    }),
  });
}

/** The figures of a query; how a window stands does not narrow them. */
export function statisticsOptions(query: WindowQuery) {
  const { state: _state, measure: _measure, ...asked } = query;
  return queryOptions({
    queryKey: [{ _id: "getExposureStatistics", asked }],
    queryFn: async ({ signal }) => {
      const { data } = await getExposureStatistics({
        query: { ...filterOf(query, new Date()), bucket: bucketOf(query.days), group: query.group },
        signal,
        throwOnError: true,
      });
      return data;
    },
    placeholderData: keepPreviousData,
    refetchInterval: INTERVAL_MILLISECONDS,
  });
}
