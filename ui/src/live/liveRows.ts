import { keepPreviousData } from "@tanstack/react-query";
import { listLiveImageFacet } from "../api/generated/sdk.gen";
import type { AskFacet } from "./FacetSelect";
import { askedOf } from "./liveQuery";

/** How many rows of a list are asked for at once. */
export const ROWS_AT_ONCE = 50;

/** How a list goes on, and that what it shows stays until the next answer is there. */
export const PAGE_BY_PAGE = {
  initialPageParam: "",
  getNextPageParam: (page: { next_key: string }) => page.next_key || undefined,
  placeholderData: keepPreviousData,
};

/**
 * The values of a filter for lists of something else than images: those that images have, not counted, since how many
 * images have one says little of how many rows would remain.
 */
export const askUncountedFacet: AskFacet = async (key, query, text, signal) => {
  const { data } = await listLiveImageFacet({
    path: { facet: key },
    query: { ...askedOf({ ...query, search: "" }), text },
    signal,
    throwOnError: true,
  });
  return { ...data, values: data.values.map(({ value }) => ({ value, count: null })) };
};
