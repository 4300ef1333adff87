import { Button, Label, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { listFeedsOptions, listFeedsQueryKey, refreshFeedMutation } from "../api/generated/@tanstack/react-query.gen";
import type { FeedOut, FeedState, FeedsOut } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { Moment } from "../facts/Moment";
import { Said } from "../facts/Said";
import { sentence } from "../facts/sentence";
import { readableSize } from "../facts/size";
import { useMay } from "../session/session";
import { PageHead } from "../shell/PageHead";
import { useToast } from "../shell/Toasts";
import { Failure } from "../states/Failure";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { canRefresh, type FeedRow, feedRows, pauseMilliseconds, STATE_NAMES } from "./feedRows";

/** Administration > Feeds. */
export function FeedsPage() {
  const mayRefresh = useMay("operator");
  const { data, error, refetch } = useQuery({
    ...listFeedsOptions(),
    refetchInterval: (query) => pauseMilliseconds(query.state.data?.feeds),
  });
  return (
    <>
      <PageHead
        title="Feeds"
        description="Where advisories come from, and what is known of vulnerabilities' exploitation."
      />
      <PageSection isFilled aria-label="Feeds">
        {error && !data ? (
          <Failure subject="the feeds" error={error} retry={() => void refetch()} />
        ) : (
          <div className="dl-part">
            <DataTable
              label="Feeds"
              columns={mayRefresh ? [...COLUMNS, REFRESH_COLUMN] : COLUMNS}
              rows={data && feedRows(data.feeds)}
              rowKey={(row) => `${row.feed.name} ${row.part}`}
              empty="There are no feeds."
              expectedRows={4}
            />
            {data && (
              <p className="dl-subtle">
                Advisories take {readableSize(data.stored_bytes)}; beyond {readableSize(data.budget_bytes)} no further
                ecosystem is fetched.
              </p>
            )}
            {/* Below, so that the table does not move when they come. */}
            {data && <Notices feeds={data} />}
          </div>
        )}
      </PageSection>
    </>
  );
}

function Notices({ feeds }: { feeds: FeedsOut }) {
  return (
    <>
      {feeds.notice && <Notice variant="info" title={<Said text={sentence(feeds.notice)} />} />}
      {feeds.outdated_advisories > 0 && (
        <Notice variant="warning" title={`${feeds.outdated_advisories} advisories were read by an earlier version`}>
          Those of feeds are read again by themselves; import the others again.
        </Notice>
      )}
    </>
  );
}

const COLORS: Partial<Record<FeedState, "danger" | "success" | "info">> = {
  failed: "danger",
  current: "success",
  refreshing: "info",
};

const COLUMNS: readonly Column<FeedRow>[] = [
  { title: "Feed", width: 25, cell: (row) => row.isFirst && <FeedName feed={row.feed} /> },
  { title: "Ecosystem", isNarrow: true, cell: (row) => row.part || "–" },
  {
    title: "State",
    width: 25,
    cell: (row) => (
      <>
        <Label isCompact variant="outline" status={COLORS[row.state]}>
          {STATE_NAMES[row.state]}
        </Label>
        {row.problem && <div className="dl-subtle dl-break">{row.problem}</div>}
      </>
    ),
  },
  { title: "Records", isNarrow: true, cell: (row) => row.records.toLocaleString() },
  { title: "Last Success", isNarrow: true, cell: (row) => <Moment isRelative at={row.succeededAt} /> },
  {
    title: "Next",
    isNarrow: true,
    cell: (row) => (row.nextAttemptAt ? <Moment isRelative at={row.nextAttemptAt} /> : "–"),
  },
];

function FeedName({ feed }: { feed: FeedOut }) {
  return (
    <>
      {feed.title}
      <div className="dl-subtle dl-break">{feed.url}</div>
    </>
  );
}

const REFRESH_COLUMN: Column<FeedRow> = {
  title: "Refresh",
  isUntitled: true,
  isNarrow: true,
  cell: (row) => row.isFirst && <Refresh feed={row.feed} />,
};

function Refresh({ feed }: { feed: FeedOut }) {
  const queryClient = useQueryClient();
  const say = useToast();
  const refreshing = useMutation({
    ...refreshFeedMutation(),
    onSuccess: (answer) => queryClient.setQueryData(listFeedsQueryKey(), answer),
    onError: (error) =>
      say({ variant: "danger", title: `${feed.title}: not refreshed`, body: asProblem(error).message }),
  });
  return (
    <Button
      variant="secondary"
      size="sm"
      aria-label={`Refresh ${feed.title}`}
      isDisabled={!canRefresh(feed)}
      isLoading={refreshing.isPending}
      onClick={() => refreshing.mutate({ path: { name: feed.name } })}
    >
      Refresh
    </Button>
  );
}
