import { useInfiniteQuery } from "@tanstack/react-query";
import { LoadMore } from "../live/LoadMore";
import type { LiveQuery } from "../live/liveQuery";
import { Failure } from "../states/Failure";
import { DataTable } from "../table/DataTable";
import { TAG_COLUMNS } from "./imageColumns";
import { imageTagsOptions } from "./imageList";

/** The tags of an image that meet the filters, riskiest first. */
export function ImageTags({ image, query }: { image: string; query: LiveQuery }) {
  const list = useInfiniteQuery(imageTagsOptions(image, query));
  if (list.error && !list.data) {
    return <Failure subject={`the tags of ${image}`} error={list.error} retry={() => void list.refetch()} />;
  }
  return (
    <>
      <DataTable
        label={`Tags of ${image}`}
        columns={TAG_COLUMNS}
        rows={list.data?.tags}
        rowKey={(row) => String(row.id)}
        expectedRows={2}
        empty="No tag of this image meets the filters any more."
      />
      {list.hasNextPage && (
        <LoadMore
          shown={list.data?.tags.length ?? 0}
          total={list.data?.total ?? 0}
          hasMore
          isLoading={list.isFetchingNextPage}
          load={() => void list.fetchNextPage()}
        />
      )}
    </>
  );
}
