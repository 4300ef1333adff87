import { Flex, FlexItem, PageSection } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import type { ExportFormat, Risk, ViewPage } from "../api/generated/types.gen";
import { PageHead } from "../shell/PageHead";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { CheckboxSelect } from "../table/CheckboxSelect";
import type { Column } from "../table/DataTable";
import { useHiddenColumns } from "../table/hiddenColumns";
import { OneSelect } from "../table/OneSelect";
import { ChangesNote } from "./ChangesNote";
import { ExportMenu } from "./ExportMenu";
import type { AskFacet } from "./FacetSelect";
import { LiveFilters } from "./LiveFilters";
import { LiveTabs } from "./LiveTabs";
import { LoadMore } from "./LoadMore";
import { EVERYTHING, isNarrowed, type LiveQuery, toggleValue } from "./liveQuery";
import { PeriodSelect } from "./PeriodSelect";
import { QuickFilters } from "./QuickFilters";
import { SavedViews } from "./SavedViews";
import { SteadyTable } from "./SteadyTable";
import { useSteadyRows } from "./steadyRows";
import { type ChangeQuery, useLiveQuery } from "./useLiveQuery";

/** What is counted above a list. */
export interface Summary {
  matching: number;
  total: number;
  risks: Partial<Record<Risk, number>>;
  is_connected: boolean;
}

/** The answers of a list, a page at a time, as TanStack Query gives them. */
interface Answers<Row> {
  data: readonly (readonly Row[])[] | undefined;
  error: unknown;
  isPlaceholderData: boolean;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
  refetch: () => unknown;
}

/** One of the lists of Live Assessment. */
export interface LiveList<Row, Counts extends Summary = Summary> {
  page: ViewPage;
  /** Its rows in a sentence: "images". */
  name: string;
  /** The same as a title. */
  title: string;
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  /** What it can be ordered by; the first is how it is by itself. */
  orders: Readonly<Record<string, string>>;
  useRows: (query: LiveQuery) => Answers<Row>;
  useSummary: (query: LiveQuery) => Counts | undefined;
  askFacet: AskFacet;
  exportRows: (query: LiveQuery, format: ExportFormat) => Promise<Blob>;
  details?: { label: string; of: (key: string, row: Row, query: LiveQuery) => ReactNode };
  /** In place of rows when nothing narrows the list and clusters are connected. */
  nothing: (summary: Counts | undefined) => ReactNode;
}

/** Runtime > Live Assessment > one of its lists: quick filters, filters, saved views, export and the rows. */
export function LiveListPage<Row, Counts extends Summary>({ list }: { list: LiveList<Row, Counts> }) {
  const [orders] = useState(() => Object.keys(list.orders));
  const [query, changeQuery] = useLiveQuery(orders);
  return (
    <>
      <PageHead
        title="Live Assessment"
        description="What runs in your clusters, and the risks it brings."
        actions={
          <Flex columnGap={{ default: "columnGapSm" }}>
            <FlexItem>
              <SavedViews page={list.page} orders={orders} query={query} changeQuery={changeQuery} />
            </FlexItem>
            <FlexItem>
              <PeriodSelect chosen={query.period} choose={(period) => changeQuery((now) => ({ ...now, period }))} />
            </FlexItem>
          </Flex>
        }
      />
      <LiveTabs active={`/runtime/live/${list.page}`} />
      <PageSection isFilled aria-label={list.title}>
        <ListOf list={list} query={query} changeQuery={changeQuery} />
      </PageSection>
    </>
  );
}

interface ListOfProps<Row, Counts extends Summary> {
  list: LiveList<Row, Counts>;
  query: LiveQuery;
  changeQuery: ChangeQuery;
}

function ListOf<Row, Counts extends Summary>({ list, query, changeQuery }: ListOfProps<Row, Counts>) {
  const answers = list.useRows(query);
  const summary = list.useSummary(query);
  const asked = JSON.stringify({ ...query, view: null });
  const [shownFor, setShownFor] = useState(asked);
  if (!answers.isPlaceholderData && answers.data && shownFor !== asked) {
    setShownFor(asked);
  }
  const steady = useSteadyRows(answers.data, list.keyOf, answers.isPlaceholderData ? shownFor : asked);
  const [hidden, toggleColumn] = useHiddenColumns(list.page);
  if (answers.error && !answers.data) {
    return <Failure subject={`the ${list.name}`} error={answers.error} retry={() => void answers.refetch()} />;
  }
  const clear = () => changeQuery(({ period, order }) => ({ ...EVERYTHING, period, order }));
  const details = list.details;
  return (
    <>
      <QuickFilters
        counts={summary?.risks}
        chosen={query.values.risk ?? []}
        toggle={(risk) => changeQuery((now) => toggleValue(now, "risk", risk))}
      />
      <LiveFilters
        searchLabel={`Search ${list.name}`}
        query={query}
        changeQuery={changeQuery}
        clear={clear}
        ask={list.askFacet}
        actions={[
          <OrderSelect key="order" orders={list.orders} query={query} changeQuery={changeQuery} />,
          <ColumnSelect key="columns" columns={list.columns} hidden={hidden} toggle={toggleColumn} />,
          <ExportMenu key="export" name={list.page} ask={(format) => list.exportRows(query, format)} />,
        ]}
      />
      <div className="dl-status-line">
        <strong aria-live="polite">
          {summary === undefined ? "\u2007" : `${summary.matching} / ${summary.total} ${list.name}`}
        </strong>
        {steady && <ChangesNote {...steady} />}
      </div>
      <SteadyTable<Row>
        label={list.title}
        columns={list.columns.filter(({ title }) => !hidden.has(title))}
        rows={steady?.rows}
        details={details && { label: details.label, of: (key, row) => details.of(key, row, query) }}
        empty={<NoRows list={list} query={query} summary={summary} clear={clear} />}
      />
      {steady && steady.rows.length > 0 && (
        <LoadMore
          shown={steady.rows.length - steady.gone}
          total={summary?.matching ?? steady.rows.length}
          hasMore={answers.hasNextPage}
          isLoading={answers.isFetchingNextPage}
          load={() => void answers.fetchNextPage()}
        />
      )}
    </>
  );
}

interface OrderSelectProps {
  orders: Readonly<Record<string, string>>;
  query: LiveQuery;
  changeQuery: ChangeQuery;
}

function OrderSelect({ orders, query, changeQuery }: OrderSelectProps) {
  const options = Object.entries(orders).map(([value, label]) => ({ value, label }));
  const usual = options[0]?.value ?? "";
  return (
    <OneSelect
      label="Order"
      options={options}
      chosen={query.order || usual}
      choose={(order) => changeQuery((now) => ({ ...now, order: order === usual ? "" : order }))}
    />
  );
}

interface ColumnSelectProps {
  /** The first one always stays. */
  columns: readonly { title: string }[];
  hidden: ReadonlySet<string>;
  toggle: (title: string) => void;
}

function ColumnSelect({ columns, hidden, toggle }: ColumnSelectProps) {
  const options = columns.slice(1).map(({ title }) => ({ value: title, label: title }));
  const chosen = options.map(({ value }) => value).filter((title) => !hidden.has(title));
  return <CheckboxSelect label="Columns" options={options} chosen={chosen} toggle={toggle} />;
}

interface NoRowsProps<Row, Counts extends Summary> {
  list: LiveList<Row, Counts>;
  query: LiveQuery;
  summary: Counts | undefined;
  clear: () => void;
}

function NoRows<Row, Counts extends Summary>({ list, query, summary, clear }: NoRowsProps<Row, Counts>) {
  if (summary?.is_connected === false) {
    return <ConnectCluster />;
  }
  return isNarrowed(query) ? <NothingFound clear={clear} /> : list.nothing(summary);
}
