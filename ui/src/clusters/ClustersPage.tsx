import { PageSection, Skeleton, Stack, StackItem } from "@patternfly/react-core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { HEALTH_INTERVAL_MILLISECONDS } from "../api/clusters";
import { listManagedClustersOptions, listRegistrationTokensOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterList, ClusterRow } from "../api/generated/types.gen";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { type Column, DataTable } from "../table/DataTable";
import { ClusterFilters } from "./ClusterFilters";
import { ClustersHead } from "./ClustersHead";
import { CoveragePanel } from "./CoveragePanel";
import { useChosenColumns } from "./chosenColumns";
import { actionsColumn, type ClusterColumn, selectionColumn } from "./clusterColumns";
import { CLUSTERS_PATH } from "./clusterPath";
import { type ClusterQuery, formatClusterQuery, isNarrowed, parseClusterQuery, requestOf } from "./clusterQuery";
import { OverviewCards } from "./OverviewCards";
import { RemoveCluster } from "./RemoveCluster";
import { ScanConfiguration } from "./ScanConfiguration";
import { TokenNotices } from "./TokenNotices";

type Task = { name: "configure"; clusters: readonly ClusterRow[] } | { name: "remove"; cluster: ClusterRow };

/** Runtime > Cluster Management. */
export function ClustersPage() {
  const [parameters, setParameters] = useSearchParams();
  const query = useMemo(() => parseClusterQuery(parameters), [parameters]);
  const change = (next: ClusterQuery) => setParameters(formatClusterQuery(next), { replace: true });
  const list = useQuery({
    ...listManagedClustersOptions({ query: requestOf(query) }),
    placeholderData: keepPreviousData,
    refetchInterval: HEALTH_INTERVAL_MILLISECONDS,
  });
  const tokens = useQuery(listRegistrationTokensOptions());
  return (
    <>
      <ClustersHead active={CLUSTERS_PATH} />
      <PageSection isFilled aria-label="Clusters">
        {list.error && !list.data ? (
          <Failure subject="the clusters" error={list.error} retry={() => void list.refetch()} />
        ) : !list.data || tokens.isPending ? (
          <Skeleton height="40rem" screenreaderText="Loading" />
        ) : list.data.overview.clusters === 0 ? (
          <ConnectCluster />
        ) : (
          <Stack hasGutter>
            <TokenNotices tokens={tokens.data ?? []} />
            <StackItem>
              <OverviewCards overview={list.data.overview} />
            </StackItem>
            <StackItem>
              <CoveragePanel overview={list.data.overview} />
            </StackItem>
            <StackItem>
              <Inventory list={list.data} query={query} change={change} />
            </StackItem>
          </Stack>
        )}
      </PageSection>
    </>
  );
}

interface InventoryProps {
  list: ClusterList;
  query: ClusterQuery;
  change: (query: ClusterQuery) => void;
}

function Inventory({ list, query, change }: InventoryProps) {
  const [columns, titles, toggleColumn] = useChosenColumns();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [task, setTask] = useState<Task | null>(null);
  const rows = list.clusters;
  // What is no longer listed is not configured unseen.
  const chosen = rows.filter(({ id }) => selected.has(id));
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) {
      next.add(id);
    }
    setSelected(next);
  };
  const clear = () => change({ ...query, search: "", status: [], provider: [], withoutScanner: [] });
  const shown: readonly Column<ClusterRow>[] = [
    selectionColumn(selected, toggle),
    ...sortable(columns, query, change),
    actionsColumn(
      (cluster) => setTask({ name: "configure", clusters: [cluster] }),
      (cluster) => setTask({ name: "remove", cluster }),
    ),
  ];
  return (
    <>
      <ClusterFilters
        query={query}
        change={change}
        overview={list.overview}
        found={rows.length}
        columns={titles}
        toggleColumn={toggleColumn}
        chosen={chosen.length}
        chooseAll={() => setSelected(new Set(rows.map(({ id }) => id)))}
        chooseNone={() => setSelected(new Set())}
        configure={() => setTask({ name: "configure", clusters: chosen })}
      />
      <DataTable
        label="Clusters"
        columns={shown}
        rows={rows}
        rowKey={(row) => row.id}
        isSelected={(row) => selected.has(row.id)}
        empty={isNarrowed(query) ? <NothingFound clear={clear} /> : null}
      />
      {task?.name === "configure" && (
        <ScanConfiguration clusters={task.clusters} scanners={list.overview.coverage} close={() => setTask(null)} />
      )}
      {task?.name === "remove" && <RemoveCluster cluster={task.cluster} close={() => setTask(null)} />}
    </>
  );
}

/** The columns with a way to order the list by each. */
function sortable(
  columns: readonly ClusterColumn[],
  query: ClusterQuery,
  change: (query: ClusterQuery) => void,
): readonly Column<ClusterRow>[] {
  return columns.map((column, columnIndex) => ({
    ...column,
    sort: {
      columnIndex,
      sortBy: {
        index: columns.findIndex(({ order }) => order === query.order),
        direction: query.isDescending ? "desc" : "asc",
      },
      onSort: (_, __, direction) => change({ ...query, order: column.order, isDescending: direction === "desc" }),
    },
  }));
}
