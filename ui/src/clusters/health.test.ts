import { describe, expect, it } from "vitest";
import type { InstallationType, NodeStatus } from "../api/generated/types.gen";
import { countStates, duration, nodeState, sensorsHealth, tierMeaning } from "./health";

function cluster(counts: Partial<Record<NodeStatus, number>>, installation: InstallationType) {
  const nodes_count = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { nodes_count, nodes_by_status: counts, installation };
}

describe("the sensors of a cluster", () => {
  it.each([
    ["all running", { monitored_with_sensor: 3 }, "3/3", "success", ""],
    [
      "one failed beside one missing",
      { monitored_with_sensor: 2, failed: 1, installation_failed: 1 },
      "2/4",
      "danger",
      "1 failed, 1 not installed",
    ],
    ["one missing", { monitored_with_sensor: 2, installation_failed: 1 }, "2/3", "warning", "1 not installed"],
    ["one coming", { monitored_with_sensor: 2, monitored: 1 }, "2/3", "success", "1 being installed"],
    ["one disabled on purpose", { monitored_with_sensor: 2, disabled: 1 }, "2/3", "success", "1 disabled"],
    ["no node known", {}, "0/0", "warning", "No nodes are known yet"],
  ])("with %s", (_, counts, name, status, note) => {
    expect(sensorsHealth(cluster(counts, "controller_and_sensors"))).toEqual({ name, status, note });
  });

  it("that has none says so", () => {
    const health = sensorsHealth(cluster({ monitored: 5 }, "controller_only"));
    expect(health).toEqual({ name: "0/5", status: undefined, note: "Controller only" });
  });
});

it("locks nodes where no sensor was installed", () => {
  expect(nodeState("monitored", "controller_only")).toBe("locked");
  expect(nodeState("monitored", "controller_and_sensors")).toBe("not_installed");
  expect(nodeState("failed", "controller_only")).toBe("failed");
});

it("counts the states there are, in their order", () => {
  expect(countStates(["disabled", "running", "disabled"])).toEqual([
    { state: "running", count: 1 },
    { state: "disabled", count: 2 },
  ]);
});

it("tells lengths of time", () => {
  expect([30, 90, 300].map(duration)).toEqual(["30 s", "90 s", "5 min"]);
});

it("says what a tier means, and passes on one it does not know", () => {
  expect(tierMeaning("L")).toContain("can refuse programs");
  expect(tierMeaning("X")).toBe("X.");
  expect(tierMeaning("")).toBe("The sensor has not said.");
});
