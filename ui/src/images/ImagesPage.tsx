import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ImageRow } from "../api/generated/types.gen";
import { type LiveList, LiveListPage } from "../live/LiveListPage";
import { NothingRuns } from "../states/NothingRuns";
import { ImageTags } from "./ImageTags";
import { IMAGE_COLUMNS } from "./imageColumns";
import {
  askImageFacet,
  exportImages,
  IMAGE_ORDERS,
  imageKey,
  imageListOptions,
  imageSummaryOptions,
} from "./imageList";

const IMAGES: LiveList<ImageRow> = {
  page: "images",
  name: "images",
  title: "Images",
  columns: IMAGE_COLUMNS,
  keyOf: imageKey,
  orders: IMAGE_ORDERS,
  useRows: (query) => useInfiniteQuery(imageListOptions(query)),
  useSummary: (query) => useQuery(imageSummaryOptions(query)).data,
  askFacet: askImageFacet,
  exportRows: exportImages,
  details: { label: "Tags of the image", of: (image, _, query) => <ImageTags image={image} query={query} /> },
  nothing: () => <NothingRuns />,
};

/** Runtime > Live Assessment > Images. */
export function ImagesPage() {
  return <LiveListPage list={IMAGES} />;
}
