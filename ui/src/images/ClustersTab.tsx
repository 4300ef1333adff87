import { useQuery } from "@tanstack/react-query";
import { listImageTagClustersOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterPlace, ImageTagDetail } from "../api/generated/types.gen";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { ClusterName } from "./ClusterName";
import { CutNote } from "./CutNote";

const COLUMNS: readonly Column<ClusterPlace>[] = [
  {
    title: "Name",
    width: 25,
    cell: (row) => <ClusterName place={{ ...row, cluster: row.name, cluster_id: row.id }} />,
  },
  { title: "Provider", cell: (row) => row.provider },
  { title: "Location", cell: (row) => row.regions.join(", ") || "–" },
  { title: "No. of Workloads", isNarrow: true, cell: (row) => row.workloads_count },
  { title: "Nodes", isNarrow: true, cell: (row) => row.nodes_count },
  { title: "Namespaces", width: 30, cell: (row) => row.namespaces.join(", ") },
];

/** On which clusters the image is. */
export function ClustersTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagClustersOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the clusters" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Clusters"
      searchLabel="Search by name, provider or namespace"
      columns={COLUMNS}
      rows={data?.clusters}
      rowKey={(row) => row.id}
      textOf={(row) => [row.name, row.provider, ...row.regions, ...row.namespaces].join(" ")}
      note={<CutNote shown={data?.clusters.length} total={data?.total} what="clusters" />}
      empty={
        <NothingYet title="No cluster runs this image now">
          It appears here as soon as a workload has the image again. What it was compared with is under History.
        </NothingYet>
      }
    />
  );
}
