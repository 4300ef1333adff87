import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import {
  exportLiveImages,
  getLiveImageSummary,
  listLiveImageFacet,
  listLiveImages,
  listLiveImageTags,
} from "../api/generated/sdk.gen";
import type { ExportFormat, ImageRow, ImagesOrder } from "../api/generated/types.gen";
import type { AskFacet } from "../live/FacetSelect";
import { askedOf, type LiveQuery } from "../live/liveQuery";
import { PAGE_BY_PAGE, ROWS_AT_ONCE } from "../live/liveRows";

/** What a list of images can be ordered by; the first is how it is by itself. */
export const IMAGE_ORDERS: Readonly<Record<ImagesOrder, string>> = {
  risk: "Riskiest first",
  vulnerabilities: "Most vulnerabilities first",
  workloads: "Most workloads first",
  name: "By name",
};

/** An image by its whole name: what its tags have in common. */
export function imageKey({ registry, repository }: Pick<ImageRow, "registry" | "repository">): string {
  return `${registry}/${repository}`;
}

/** Images with tags that meet a query, a page at a time. */
export function imageListOptions(query: LiveQuery) {
  const asked = { ...askedOf(query), order: (query.order || "risk") as ImagesOrder };
  return infiniteQueryOptions({
    queryKey: [{ _id: "listLiveImages", query: asked }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listLiveImages({
        query: { ...asked, limit: ROWS_AT_ONCE, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    ...PAGE_BY_PAGE,
    select: ({ pages }) => pages.map((page) => page.images),
  });
}

/** How many images meet a query, of how many, and how many have each risk. */
export function imageSummaryOptions(query: LiveQuery) {
  const asked = askedOf(query);
  return queryOptions({
    queryKey: [{ _id: "getLiveImageSummary", query: asked }],
    queryFn: async ({ signal }) => {
      const { data } = await getLiveImageSummary({ query: asked, signal, throwOnError: true });
      return data;
    },
    placeholderData: keepPreviousData,
  });
}

/** The tags of one image that meet a query, riskiest first, a page at a time. */
export function imageTagsOptions(image: string, query: LiveQuery) {
  const asked = { ...askedOf(query), of: image };
  return infiniteQueryOptions({
    queryKey: [{ _id: "listLiveImageTags", query: asked }],
    queryFn: async ({ pageParam, signal }) => {
      const { data } = await listLiveImageTags({
        query: { ...asked, limit: ROWS_AT_ONCE, next_key: pageParam },
        signal,
        throwOnError: true,
      });
      return data;
    },
    ...PAGE_BY_PAGE,
    select: ({ pages }) => ({ tags: pages.flatMap((page) => page.image_tags), total: pages[0]?.total ?? 0 }),
  });
}

/** The values of a filter. */
export const askImageFacet: AskFacet = async (key, query, text, signal) => {
  const { data } = await listLiveImageFacet({
    path: { facet: key },
    query: { ...askedOf(query), text },
    signal,
    throwOnError: true,
  });
  return data;
};

/** Every image tag that meets a query, as a file. */
export async function exportImages(query: LiveQuery, format: ExportFormat): Promise<Blob> {
  const { data } = await exportLiveImages({
    query: { ...askedOf(query), format },
    parseAs: "blob",
    throwOnError: true,
  });
  return data as Blob;
}
