import { describe, expect, it } from "vitest";
import type { ClusterOut } from "../api/generated/types.gen";
import { describeNode, sensorsHealth } from "./health";

function cluster(nodes: number, running: number, failed = 0, missing = 0, disabled = 0): ClusterOut {
  return {
    id: "c",
    name: "production",
    provider: "AWS",
    regions: [],
    controller_status: "running",
    controller_version: "",
    controller_last_updated: null,
    monitored_at: "2026-11-01T12:00:00Z",
    demonstration: false,
    nodes_count: nodes,
    running_nodes_count: running,
    failed_nodes_count: failed,
    failed_to_install_nodes_count: missing,
    disabled_nodes_count: disabled,
  } as ClusterOut;
}

describe("the sensors of a cluster", () => {
  it.each([
    ["all running", cluster(3, 3), "3/3", "success", ""],
    ["one failed beside one missing", cluster(4, 2, 1, 1), "2/4", "danger", "1 failed, 1 not installed"],
    ["one missing", cluster(3, 2, 0, 1), "2/3", "warning", "1 not installed"],
    ["one disabled on purpose", cluster(3, 2, 0, 0, 1), "2/3", "success", "1 disabled"],
    ["none installed at all", cluster(5, 0), "0/5", undefined, "Controller only"],
    ["no node known", cluster(0, 0), "0/0", "warning", "No nodes are known yet"],
  ])("with %s", (_, subject, text, status, note) => {
    expect(sensorsHealth(subject)).toEqual({ text, status, note });
  });
});

it("shows a node's status it does not know as it is", () => {
  expect(describeNode("monitored_with_sensor").name).toBe("Running");
  expect(describeNode("from_the_future").name).toBe("from_the_future");
});
