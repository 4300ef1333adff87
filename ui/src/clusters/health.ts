import type { LabelProps } from "@patternfly/react-core";
import type { ClusterOut } from "../api/generated/types.gen";

interface Health {
  text: string;
  status: LabelProps["status"];
  /** What to know about it; empty when all is well. */
  note: string;
}

/** How many of a cluster's nodes have a living sensor, as in `3/5`. */
export function sensorsHealth(cluster: ClusterOut): Health {
  const { nodes_count: nodes, running_nodes_count: running, failed_nodes_count: failed } = cluster;
  const { failed_to_install_nodes_count: missing, disabled_nodes_count: disabled } = cluster;
  const text = `${running}/${nodes}`;
  if (nodes === 0) {
    return { text, status: "warning", note: "No nodes are known yet" };
  }
  if (running + failed + missing + disabled === 0) {
    return { text, status: undefined, note: "Controller only" };
  }
  const notes = [
    failed && `${failed} failed`,
    missing && `${missing} not installed`,
    disabled && `${disabled} disabled`,
  ];
  const note = notes.filter(Boolean).join(", ");
  return { text, status: failed ? "danger" : missing ? "warning" : "success", note };
}

interface NodeState {
  name: string;
  status: LabelProps["status"];
  meaning: string;
}

const NODE_STATES: Readonly<Record<string, NodeState>> = {
  monitored: { name: "Controller only", status: undefined, meaning: "No sensor was installed on this cluster." },
  monitored_with_sensor: { name: "Running", status: "success", meaning: "" },
  failed: { name: "Failed", status: "danger", meaning: "The sensor has gone silent: look at its pod's log." },
  installation_failed: {
    name: "Not Installed",
    status: "warning",
    meaning: "Other nodes have a sensor, this one never had: look at the DaemonSet's events.",
  },
  disabled: { name: "Disabled", status: undefined, meaning: "The node is labelled not to have a sensor." },
};

/** What a node's status means; one this console does not know is shown as it is. */
export function describeNode(status: string): NodeState {
  return NODE_STATES[status] ?? { name: status, status: undefined, meaning: "" };
}
