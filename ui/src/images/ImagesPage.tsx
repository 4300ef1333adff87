import { Button, PageSection } from "@patternfly/react-core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { TimePeriod } from "../api/generated/types.gen";
import { PageHead } from "../shell/PageHead";
import { PageTabs } from "../shell/PageTabs";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { DataTable } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { ImageFilters } from "./ImageFilters";
import { IMAGE_COLUMNS } from "./imageColumns";
import { imageListOptions } from "./imageList";
import { type ImageQuery, isNarrowed, PERIODS, parseImageQuery } from "./imageQuery";
import { type ChangeQuery, useImageQuery } from "./useImageQuery";

const PAGES = [{ title: "Images", path: "/runtime/live/images" }];
const PERIOD_OPTIONS = Object.entries(PERIODS).map(([value, label]) => ({ value, label }));
const EVERYTHING = parseImageQuery(new URLSearchParams());

/** Runtime > Live Assessment > Images. */
export function ImagesPage() {
  const [query, changeQuery] = useImageQuery();
  return (
    <>
      <PageHead
        title="Live Assessment"
        description="What runs in your clusters, and the risks it brings."
        actions={
          <OneSelect
            label="Period"
            options={PERIOD_OPTIONS}
            chosen={query.period}
            choose={(period) => changeQuery((now) => ({ ...now, period: period as TimePeriod }))}
          />
        }
      />
      <PageTabs label="Live Assessment" pages={PAGES} active="/runtime/live/images" />
      <PageSection isFilled aria-label="Images">
        <ImageList query={query} changeQuery={changeQuery} />
      </PageSection>
    </>
  );
}

function ImageList({ query, changeQuery }: { query: ImageQuery; changeQuery: ChangeQuery }) {
  const list = useInfiniteQuery(imageListOptions(query));
  if (list.error && !list.data) {
    return <Failure subject="the images" error={list.error} retry={() => void list.refetch()} />;
  }
  const clear = () => changeQuery(({ period }) => ({ ...EVERYTHING, period }));
  return (
    <>
      <ImageFilters query={query} changeQuery={changeQuery} clear={clear} total={list.data?.total} />
      <DataTable
        label="Images"
        columns={IMAGE_COLUMNS}
        rows={list.data?.imageTags}
        rowKey={(row) => String(row.id)}
        expectedRows={15}
        empty={isNarrowed(query) || query.period !== "now" ? <NothingFound clear={clear} /> : <ConnectCluster />}
      />
      {list.data && list.data.total > 0 && (
        <div className="dl-more">
          <span aria-live="polite">
            {list.data.imageTags.length} of {list.data.total}
          </span>
          {list.hasNextPage && (
            <Button
              variant="secondary"
              isLoading={list.isFetchingNextPage}
              isDisabled={list.isFetchingNextPage}
              onClick={() => void list.fetchNextPage()}
            >
              Load more
            </Button>
          )}
        </div>
      )}
    </>
  );
}
