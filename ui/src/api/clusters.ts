import { infiniteQueryOptions } from "@tanstack/react-query";
import { listClusters } from "./generated/sdk.gen";

const CLUSTERS_AT_ONCE = 100;

/** Heartbeats are no events, so pages about agents ask by themselves. */
export const HEALTH_INTERVAL_MILLISECONDS = 15_000;

/** All clusters, a page at a time. The documented endpoint reads by POST, for which nothing is generated. */
export const clustersOptions = infiniteQueryOptions({
  queryKey: [{ _id: "listClusters" }],
  queryFn: async ({ pageParam, signal }) => {
    const body = { limit: CLUSTERS_AT_ONCE, next_key: pageParam };
    const { data } = await listClusters({ body, signal, throwOnError: true });
    return data;
  },
  initialPageParam: "",
  getNextPageParam: (page) => page.pagination.next_key || undefined,
  select: ({ pages }) => ({
    clusters: pages.flatMap((page) => page.clusters),
    total: pages[0]?.total_count ?? 0,
  }),
});
