import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { listDetections } from "../api/generated/sdk.gen";
import { type DetectionQuery, filterOf } from "./detectionQuery";

const ROWS_AT_ONCE = 50;

/** That a known threat happened again and what people do are no events, so the page asks by itself. */
const INTERVAL_MILLISECONDS = 15_000;

/** Operations whose answers differ after something was done about detections. */
export const SHOWING_DETECTIONS: ReadonlySet<string> = new Set([
  "listDetections",
  "getDetection",
  "listDetectionExceptions",
  "listThreatRules",
  "listExposureWindows",
]);

/** What narrows a list of detections besides a query: those of one image or workload. */
export interface Subject {
  image_tag_id?: number;
  workload_id?: number;
}

/** Detections that meet a query, a page at a time. */
export function detectionListOptions(query: DetectionQuery, subject: Subject = {}) {
  return infiniteQueryOptions({
    queryKey: [{ _id: "listDetections", query, subject }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listDetections({
        query: { ...filterOf(query, new Date()), ...subject, limit: ROWS_AT_ONCE, next_key: pageParam },
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
      detections: pages.flatMap((page) => page.detections),
      total: pages[pages.length - 1]?.total ?? 0,
      suppressed: pages[pages.length - 1]?.suppressed ?? 0,
    }),
  });
}
