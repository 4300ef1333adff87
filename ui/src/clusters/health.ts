import type { LabelProps } from "@patternfly/react-core";
import type { ClusterRow, ClusterStatus, InstallationType, NodeStatus } from "../api/generated/types.gen";

interface Look {
  name: string;
  status: LabelProps["status"];
}

export const CLUSTER_STATUSES: readonly ClusterStatus[] = ["running", "failed", "installation_failed", "disabled"];

const CLUSTER_LOOKS: Readonly<Record<ClusterStatus, Look>> = {
  running: { name: "Running", status: "success" },
  failed: { name: "Failed", status: "danger" },
  installation_failed: { name: "Installation failed", status: "warning" },
  disabled: { name: "Disabled", status: undefined },
};

/** A cluster's status for people. */
export function clusterLook(status: ClusterStatus): Look {
  return CLUSTER_LOOKS[status];
}

interface Health extends Look {
  /** What to know about it; empty when all is well. */
  note: string;
}

/** How many of a cluster's nodes have a living sensor, as in `3/5`. */
export function sensorsHealth(cluster: Pick<ClusterRow, "nodes_count" | "nodes_by_status" | "installation">): Health {
  const { nodes_count: nodes, nodes_by_status: counts } = cluster;
  const name = `${counts.monitored_with_sensor ?? 0}/${nodes}`;
  if (nodes === 0) {
    return { name, status: "warning", note: "No nodes are known yet" };
  }
  if (cluster.installation === "controller_only") {
    return { name, status: undefined, note: "Controller only" };
  }
  const { failed = 0, installation_failed: missing = 0, disabled = 0, monitored: waiting = 0 } = counts;
  const notes = [
    failed && `${failed} failed`,
    missing && `${missing} not installed`,
    waiting && `${waiting} being installed`,
    disabled && `${disabled} disabled`,
  ];
  const status = failed ? "danger" : missing ? "warning" : "success";
  return { name, status, note: notes.filter(Boolean).join(", ") };
}

const TIERS: Readonly<Record<string, string>> = {
  L: "Sees inside the kernel, and can refuse programs before they run.",
  T: "Sees inside the kernel, and can kill programs as they start.",
  S: "Sees the ends of system calls, and can kill programs as they start.",
};

/** How much a node's kernel lets its sensor see and stop. */
export function tierMeaning(tier: string): string {
  return tier ? `${tier}. ${TIERS[tier] ?? ""}`.trim() : "The sensor has not said.";
}

/** The states of a node for people: those of the service, and what a cluster without sensors makes of them. */
export type NodeState = "running" | "failed" | "installation_failed" | "not_installed" | "disabled" | "locked";

export const NODE_STATES: readonly NodeState[] = [
  "running",
  "failed",
  "installation_failed",
  "not_installed",
  "disabled",
  "locked",
];

interface NodeLook extends Look {
  meaning: string;
}

const NODE_LOOKS: Readonly<Record<NodeState, NodeLook>> = {
  running: { name: "Running", status: "success", meaning: "" },
  failed: { name: "Failed", status: "danger", meaning: "The sensor has gone silent: look at its pod's log." },
  installation_failed: {
    name: "Installation failed",
    status: "warning",
    meaning: "Other nodes have a sensor, this one does not get one: look at the DaemonSet's events.",
  },
  not_installed: { name: "Not Installed", status: "warning", meaning: "Its sensor has not come yet." },
  disabled: { name: "Disabled", status: undefined, meaning: "The node is labelled not to have a sensor." },
  locked: { name: "Locked", status: undefined, meaning: "" },
};

/** What a node's status means for people. */
export function nodeLook(state: NodeState): NodeLook {
  return NODE_LOOKS[state];
}

/** The state of a node in a cluster with what is installed there. */
export function nodeState(status: NodeStatus, installation: InstallationType): NodeState {
  switch (status) {
    case "monitored_with_sensor":
      return "running";
    case "monitored":
      return installation === "controller_only" ? "locked" : "not_installed";
    default:
      return status;
  }
}

/** How many nodes are in each state there is, in the order of the states. */
export function countStates(states: readonly NodeState[]): { state: NodeState; count: number }[] {
  return NODE_STATES.map((state) => ({ state, count: states.filter((each) => each === state).length })).filter(
    ({ count }) => count > 0,
  );
}

/** A length of time in seconds for people, as in `5 min`. */
export function duration(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
