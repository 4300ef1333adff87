import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { listLiveImageTags } from "../api/generated/sdk.gen";
import type { ImageQuery } from "./imageQuery";

const ROWS_AT_ONCE = 50;

/** Image tags that meet a query, riskiest first, a page at a time. */
export function imageListOptions(query: ImageQuery) {
  return infiniteQueryOptions({
    queryKey: [{ _id: "listLiveImageTags", query }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listLiveImageTags({
        query: {
          search: query.search,
          risk: [...query.risk],
          severity: [...query.severity],
          cluster: [...query.cluster],
          namespace: [...query.namespace],
          cve: [...query.cve],
          period: query.period,
          limit: ROWS_AT_ONCE,
          next_key: pageParam,
        },
        signal,
        throwOnError: true,
      });
      return data;
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_key || undefined,
    placeholderData: keepPreviousData,
    select: ({ pages }) => ({
      imageTags: pages.flatMap((page) => page.image_tags),
      total: pages[pages.length - 1]?.total ?? 0,
    }),
  });
}
