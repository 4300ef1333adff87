import { Link } from "react-router";
import type { LiveWorkload } from "../api/generated/types.gen";
import { OpenDetections } from "../detections/OpenDetections";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { ClusterName } from "../images/ClusterName";
import { VulnerabilityCounts } from "../live/VulnerabilityCounts";
import type { Column } from "../table/DataTable";
import { workloadPath } from "./workloadList";
import { describeKind, describeSource } from "./workloadTexts";

const NODES_SHOWN = 2;

export const WORKLOAD_COLUMNS: readonly Column<LiveWorkload>[] = [
  {
    title: "Workload name",
    width: 20,
    cell: (row) => (
      <>
        <Link to={workloadPath(row.id)} className="dl-name">
          {row.name}
        </Link>
        <div className="dl-subtle">{describeKind(row)}</div>
      </>
    ),
  },
  { title: "Risks", width: 15, cell: (row) => <RiskLabels risks={row.risks} /> },
  {
    title: "Open detections",
    width: 10,
    cell: (row) => <OpenDetections detections={row.detections} to={`${workloadPath(row.id)}/detections`} />,
  },
  {
    title: "Vulnerabilities",
    width: 15,
    cell: (row) => (
      <VulnerabilityCounts severities={row.severities} scanState={row.scan_state} note={describeSource(row)} />
    ),
  },
  { title: "Status", isNarrow: true, cell: (row) => <RuntimeStatusLabel status={row.runtime_status} /> },
  {
    title: "Cluster",
    width: 10,
    cell: (row) => (
      <div className="dl-name">
        <ClusterName place={row} />
      </div>
    ),
  },
  { title: "Namespace", width: 10, cell: (row) => <div className="dl-name">{row.namespace}</div> },
  {
    title: "Nodes",
    width: 15,
    cell: (row) => (
      <div className="dl-name">
        <Nodes nodes={row.nodes} />
      </div>
    ),
  },
];

/** The first nodes by name, and how many more there are. */
export function Nodes({ nodes }: { nodes: readonly string[] }) {
  if (nodes.length === 0) {
    return <span className="dl-subtle">None</span>;
  }
  const rest = nodes.slice(NODES_SHOWN);
  return (
    <>
      {nodes.slice(0, NODES_SHOWN).map((node) => (
        <div key={node}>{node}</div>
      ))}
      {rest.length > 0 && (
        <div className="dl-subtle" title={rest.join(", ")}>
          and {rest.length} more
        </div>
      )}
    </>
  );
}
