import { Flex, FlexItem, PageSection } from "@patternfly/react-core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ChangesNote } from "../live/ChangesNote";
import { ExportMenu } from "../live/ExportMenu";
import { LiveFilters } from "../live/LiveFilters";
import { LiveTabs } from "../live/LiveTabs";
import { LoadMore } from "../live/LoadMore";
import { EVERYTHING, isNarrowed, type LiveQuery, toggleValue } from "../live/liveQuery";
import { PeriodSelect } from "../live/PeriodSelect";
import { QuickFilters } from "../live/QuickFilters";
import { SavedViews } from "../live/SavedViews";
import { useSteadyRows } from "../live/steadyRows";
import { type ChangeQuery, useLiveQuery } from "../live/useLiveQuery";
import { PageHead } from "../shell/PageHead";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { NothingYet } from "../states/NothingYet";
import { CheckboxSelect } from "../table/CheckboxSelect";
import { useHiddenColumns } from "../table/hiddenColumns";
import { OneSelect } from "../table/OneSelect";
import { ImageTable } from "./ImageTable";
import { IMAGE_COLUMNS } from "./imageColumns";
import {
  askImageFacet,
  exportImages,
  IMAGE_ORDERS,
  imageKey,
  imageListOptions,
  imageSummaryOptions,
} from "./imageList";

const ORDERS = Object.keys(IMAGE_ORDERS);
const ORDER_OPTIONS = Object.entries(IMAGE_ORDERS).map(([value, label]) => ({ value, label }));
const OPTIONAL_COLUMNS = IMAGE_COLUMNS.slice(1).map(({ title }) => ({ value: title, label: title }));

/** Runtime > Live Assessment > Images. */
export function ImagesPage() {
  const [query, changeQuery] = useLiveQuery(ORDERS);
  return (
    <>
      <PageHead
        title="Live Assessment"
        description="What runs in your clusters, and the risks it brings."
        actions={
          <Flex columnGap={{ default: "columnGapSm" }}>
            <FlexItem>
              <SavedViews page="images" orders={ORDERS} query={query} changeQuery={changeQuery} />
            </FlexItem>
            <FlexItem>
              <PeriodSelect chosen={query.period} choose={(period) => changeQuery((now) => ({ ...now, period }))} />
            </FlexItem>
          </Flex>
        }
      />
      <LiveTabs active="/runtime/live/images" />
      <PageSection isFilled aria-label="Images">
        <ImageList query={query} changeQuery={changeQuery} />
      </PageSection>
    </>
  );
}

function ImageList({ query, changeQuery }: { query: LiveQuery; changeQuery: ChangeQuery }) {
  const list = useInfiniteQuery(imageListOptions(query));
  const summary = useQuery(imageSummaryOptions(query));
  const asked = JSON.stringify({ ...query, view: null });
  const [shownFor, setShownFor] = useState(asked);
  if (!list.isPlaceholderData && list.data && shownFor !== asked) {
    setShownFor(asked);
  }
  const steady = useSteadyRows(list.data, imageKey, list.isPlaceholderData ? shownFor : asked);
  const [hidden, toggleColumn] = useHiddenColumns("images");
  if (list.error && !list.data) {
    return <Failure subject="the images" error={list.error} retry={() => void list.refetch()} />;
  }
  const clear = () => changeQuery(({ period, order }) => ({ ...EVERYTHING, period, order }));
  const matching = summary.data?.matching;
  return (
    <>
      <QuickFilters
        counts={summary.data?.risks}
        chosen={query.values.risk ?? []}
        toggle={(risk) => changeQuery((now) => toggleValue(now, "risk", risk))}
      />
      <LiveFilters
        searchLabel="Search images"
        query={query}
        changeQuery={changeQuery}
        clear={clear}
        ask={askImageFacet}
        actions={[
          <OneSelect
            key="order"
            label="Order"
            options={ORDER_OPTIONS}
            chosen={query.order || "risk"}
            choose={(order) => changeQuery((now) => ({ ...now, order: order === "risk" ? "" : order }))}
          />,
          <CheckboxSelect
            key="columns"
            label="Columns"
            options={OPTIONAL_COLUMNS}
            chosen={OPTIONAL_COLUMNS.map(({ value }) => value).filter((title) => !hidden.has(title))}
            toggle={toggleColumn}
          />,
          <ExportMenu key="export" name="images" ask={(format) => exportImages(query, format)} />,
        ]}
      />
      <div className="dl-status-line">
        <strong aria-live="polite">
          {matching === undefined ? "\u2007" : `${matching} / ${summary.data?.total} images`}
        </strong>
        {steady && <ChangesNote {...steady} />}
      </div>
      <ImageTable
        columns={IMAGE_COLUMNS.filter(({ title }) => !hidden.has(title))}
        rows={steady?.rows}
        query={query}
        empty={<NoImages isNarrowed={isNarrowed(query)} isConnected={summary.data?.is_connected} clear={clear} />}
      />
      {steady && steady.rows.length > 0 && (
        <LoadMore
          shown={steady.rows.length - steady.gone}
          total={matching ?? steady.rows.length}
          hasMore={list.hasNextPage}
          isLoading={list.isFetchingNextPage}
          load={() => void list.fetchNextPage()}
        />
      )}
    </>
  );
}

interface NoImagesProps {
  isNarrowed: boolean;
  isConnected: boolean | undefined;
  clear: () => void;
}

function NoImages({ isNarrowed, isConnected, clear }: NoImagesProps) {
  if (isConnected === false) {
    return <ConnectCluster />;
  }
  if (isNarrowed) {
    return <NothingFound clear={clear} />;
  }
  return (
    <NothingYet title="Nothing runs">
      Clusters are connected, but no container of theirs runs now. Choose a longer period to see what ran before.
    </NothingYet>
  );
}
