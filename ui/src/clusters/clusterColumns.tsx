import { Checkbox } from "@patternfly/react-core";
import { Link } from "react-router";
import type { ClusterOrder, ClusterRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Moment } from "../facts/Moment";
import type { Column } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { ClusterStatusLabel } from "./ClusterStatusLabel";
import { ControllerLabel } from "./ControllerLabel";
import { clusterPath } from "./clusterPath";
import { SensorsPill } from "./SensorsPill";

export interface ClusterColumn extends Column<ClusterRow> {
  /** What the service calls the order by this column. */
  order: ClusterOrder;
  /** Shown unless the reader chooses otherwise. */
  isUsual?: boolean;
}

/** The columns a reader can choose from; the name is always there. */
export const COLUMNS: readonly ClusterColumn[] = [
  {
    title: "Cluster Name",
    order: "name",
    width: 20,
    cell: (row) => (
      <>
        <Link to={clusterPath(row.id)} className="dl-break">
          {row.name}
        </Link>{" "}
        <DemonstrationLabel isShown={row.demonstration} />
      </>
    ),
  },
  { title: "Status", order: "status", cell: (row) => <ClusterState cluster={row} />, isUsual: true },
  {
    title: "Controller Status",
    order: "controller",
    isNarrow: true,
    cell: (row) => <ControllerLabel status={row.controller.status} />,
    isUsual: true,
  },
  { title: "Sensors Status", order: "sensors", cell: (row) => <SensorsPill cluster={row} />, isUsual: true },
  { title: "Provider", order: "provider", cell: (row) => row.provider, isUsual: true },
  { title: "Location", order: "location", cell: (row) => row.regions.join(", ") || "–", isUsual: true },
  { title: "Version", order: "version", cell: (row) => row.controller.version || "–", isUsual: true },
  { title: "Creation Date", order: "created_at", cell: (row) => <Moment at={row.created_at} />, isUsual: true },
];

function ClusterState({ cluster }: { cluster: ClusterRow }) {
  const [first, ...others] = cluster.problems;
  return (
    <>
      <ClusterStatusLabel status={cluster.status} />
      {first && (
        <div className="dl-subtle dl-break">
          {first.message}
          {others.length > 0 && ` and ${others.length} more`}
        </div>
      )}
    </>
  );
}

/** The column in which clusters are chosen for a batch. */
export function selectionColumn(chosen: ReadonlySet<string>, toggle: (id: string) => void): Column<ClusterRow> {
  return {
    title: "Selection",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => (
      <Checkbox
        id={`select-${row.id}`}
        aria-label={`Select ${row.name}`}
        isChecked={chosen.has(row.id)}
        onChange={() => toggle(row.id)}
      />
    ),
  };
}

/** The menu at the end of each row. */
export function actionsColumn(
  configure: (cluster: ClusterRow) => void,
  remove: (cluster: ClusterRow) => void,
): Column<ClusterRow> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => (
      <RowActions
        subject={row.name}
        actions={[
          { title: "Configure", act: () => configure(row) },
          { title: "Remove", act: () => remove(row), isDanger: true },
        ]}
      />
    ),
  };
}
