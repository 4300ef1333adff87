import { Label } from "@patternfly/react-core";
import { Link } from "react-router";
import type { LiveWorkload } from "../api/generated/types.gen";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { ClusterName } from "../images/ClusterName";
import { VulnerabilityCounts } from "../live/VulnerabilityCounts";
import type { Column } from "../table/DataTable";
import { workloadPath } from "./workloadList";

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
        {row.architectures.map((architecture) => (
          <Label key={architecture} isCompact variant="outline">
            {architecture}
          </Label>
        ))}
        <div className="dl-subtle">{row.kind}</div>
      </>
    ),
  },
  { title: "Risks", width: 15, cell: (row) => <RiskLabels risks={row.risks} /> },
  {
    title: "Vulnerabilities",
    width: 15,
    cell: (row) => (
      <>
        <VulnerabilityCounts severities={row.severities} scanState={row.scan_state} />
        <div className="dl-subtle">{describeSource(row)}</div>
      </>
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

/** What vulnerabilities and risks of packages are said of. */
export function describeSource(row: Pick<LiveWorkload, "processes_count" | "images_count" | "severities">): string {
  if (row.processes_count > 0) {
    return `used by ${row.processes_count} ${row.processes_count === 1 ? "process" : "processes"}`;
  }
  if (row.severities === null) {
    return "";
  }
  return row.images_count === 1 ? "in its image" : `in its ${row.images_count} images`;
}

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
