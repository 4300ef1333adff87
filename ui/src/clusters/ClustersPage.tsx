import { Button, PageSection } from "@patternfly/react-core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { clustersOptions, HEALTH_INTERVAL_MILLISECONDS } from "../api/clusters";
import type { ClusterOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Moment } from "../facts/Moment";
import { PageHead } from "../shell/PageHead";
import { ConnectCluster } from "../states/ConnectCluster";
import { Failure } from "../states/Failure";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { ControllerLabel } from "./ControllerLabel";
import { clusterPath } from "./clusterPath";
import { SensorsPill } from "./SensorsPill";

const COLUMNS: readonly Column<ClusterOut>[] = [
  {
    title: "Cluster Name",
    width: 25,
    cell: (row) => (
      <>
        <Link to={clusterPath(row.id)}>{row.name}</Link> <DemonstrationLabel isShown={row.demonstration} />
      </>
    ),
  },
  { title: "Controller Status", isNarrow: true, cell: (row) => <ControllerLabel status={row.controller_status} /> },
  { title: "Sensors Status", width: 15, cell: (row) => <SensorsPill cluster={row} /> },
  { title: "Provider", cell: (row) => row.provider },
  { title: "Location", cell: (row) => row.regions.join(", ") || "–" },
  { title: "Version", cell: (row) => row.controller_version || "–" },
  { title: "Creation Date", isNarrow: true, cell: (row) => <Moment at={row.monitored_at} /> },
];

/** Runtime > Cluster Management. */
export function ClustersPage() {
  const list = useInfiniteQuery({ ...clustersOptions, refetchInterval: HEALTH_INTERVAL_MILLISECONDS });
  return (
    <>
      <PageHead
        title="Cluster Management"
        description="Clusters in contact with Deadlight, and how their agents fare."
      />
      <PageSection isFilled aria-label="Clusters">
        {list.error && !list.data ? (
          <Failure subject="the clusters" error={list.error} retry={() => void list.refetch()} />
        ) : (
          <SearchableTable
            label="Clusters"
            searchLabel="Search by name, provider or location"
            columns={COLUMNS}
            rows={list.data?.clusters}
            rowKey={(row) => row.id}
            textOf={(row) => [row.name, row.provider, ...row.regions].join(" ")}
            empty={<ConnectCluster />}
          />
        )}
        {list.hasNextPage && (
          <div className="dl-more">
            <span>
              {list.data?.clusters.length} of {list.data?.total}
            </span>
            <Button variant="secondary" isDisabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              Load more
            </Button>
          </div>
        )}
      </PageSection>
    </>
  );
}
