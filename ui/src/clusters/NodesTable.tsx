import { DescriptionList, Label, List, ListItem, Tooltip } from "@patternfly/react-core";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import { useState } from "react";
import type { InstallationType, NodeRow } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { SearchableTable } from "../table/SearchableTable";
import { NODE_STATES, type NodeState, nodeLook, nodeState, tierMeaning } from "./health";

const ANY = { value: "", label: "Any status" };

interface NodesTableProps {
  nodes: readonly NodeRow[];
  installation: InstallationType;
}

/** The nodes of a cluster with their sensors. */
export function NodesTable({ nodes, installation }: NodesTableProps) {
  const [wanted, setWanted] = useState("");
  const stateOf = (node: NodeRow) => nodeState(node.status, installation);
  const present = NODE_STATES.filter((state) => nodes.some((node) => stateOf(node) === state));
  const rows = nodes.filter((node) => !wanted || stateOf(node) === wanted);
  return (
    <>
      {present.length > 1 && (
        <div className="dl-verdict">
          <OneSelect
            label="Status"
            options={[ANY, ...present.map((state) => ({ value: state, label: nodeLook(state).name }))]}
            chosen={wanted}
            choose={setWanted}
          />
        </div>
      )}
      <SearchableTable
        label="Nodes"
        searchLabel="Search by name, status, region or address"
        columns={columnsFor(installation)}
        rows={rows}
        rowKey={(row) => row.id}
        textOf={(row) => `${row.name} ${nodeLook(stateOf(row)).name} ${row.region} ${row.internal_ip}`}
        details={installation === "controller_only" ? undefined : (row) => <SensorDetails node={row} />}
        empty={
          <NothingYet title={wanted ? "No node has this status any more" : "No nodes are known yet"}>
            The controller lists them with its first synchronisation. If this stays empty, look at its log.
          </NothingYet>
        }
      />
    </>
  );
}

function columnsFor(installation: InstallationType): readonly Column<NodeRow>[] {
  const names: readonly Column<NodeRow>[] = [
    { title: "Node Name", width: 25, cell: (row) => <span className="dl-name">{row.name}</span> },
    { title: "Status", width: 15, cell: (row) => <NodeStatus state={nodeState(row.status, installation)} /> },
    { title: "Region", isNarrow: true, cell: (row) => row.region || "–" },
    { title: "Node IP", isNarrow: true, cell: (row) => row.internal_ip || "–" },
    { title: "Architecture", isNarrow: true, cell: (row) => row.architecture || "–" },
  ];
  const problems: Column<NodeRow> = { title: "Problems", width: 15, cell: (row) => <NodeProblems node={row} /> };
  if (installation === "controller_only") {
    return [...names, problems];
  }
  return [
    ...names,
    { title: "Sensor Version", isNarrow: true, cell: (row) => row.sensor_version || "–" },
    { title: "Tier", isNarrow: true, cell: (row) => row.sensor_tier || "–" },
    { title: "Last Contact", isNarrow: true, cell: (row) => <Moment isRelative at={row.sensor_last_seen_at} /> },
    problems,
  ];
}

/** What a sensor is attached to and what it counted. */
function SensorDetails({ node }: { node: NodeRow }) {
  const counters = Object.entries(node.sensor_counters);
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
      <Fact name="Kernel">{node.sensor_kernel || "The sensor has not said."}</Fact>
      <Fact name="Tier">{tierMeaning(node.sensor_tier)}</Fact>
      <Fact name="Hooks">
        <span className="dl-break">{node.sensor_hooks.join(", ") || "The sensor has not said."}</span>
      </Fact>
      <Fact name="Counted">
        {counters.length === 0 && "Nothing yet."}
        {counters.map(([name, count]) => (
          <div key={name}>
            {name.replaceAll("_", " ")}: {count.toLocaleString()}
          </div>
        ))}
      </Fact>
    </DescriptionList>
  );
}

function NodeStatus({ state }: { state: NodeState }) {
  const { name, status, meaning } = nodeLook(state);
  if (state === "locked") {
    return (
      <Tooltip content="Sensor is unavailable">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the tooltip is to be reached with the keyboard */}
        <span tabIndex={0}>
          <Label isCompact icon={<LockIcon />}>
            {name}
          </Label>
        </span>
      </Tooltip>
    );
  }
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>
      {meaning && <div className="dl-subtle">{meaning}</div>}
    </>
  );
}

function NodeProblems({ node }: { node: NodeRow }) {
  const problems = [...(node.is_ready ? [] : ["Kubernetes says that the node is not ready"]), ...node.sensor_problems];
  if (problems.length === 0) {
    return <>–</>;
  }
  return (
    <List isPlain>
      {problems.map((problem) => (
        <ListItem key={problem} className="dl-break">
          {problem}
        </ListItem>
      ))}
    </List>
  );
}
