import { describe, expect, it } from "vitest";
import type { FunnelOut, InstallationStatus } from "../api/generated/types.gen";
import { incompleteBy, shownStages } from "./funnel";

const KEYS = ["all", "critical_and_high", "applicable", "with_fix_version", "validated_in_runtime"];

function funnel(counts: readonly number[], installation: InstallationStatus = "full"): FunnelOut {
  return {
    stages: KEYS.map((key, index) => ({ key, label: key, description: "", count: counts[index] ?? 0 })),
    running_images: 2,
    scanned_images: 2,
    scan_status: "scanned",
    scan_advice: "",
    installation_status: installation,
    installation_advice: "",
  };
}

describe("the stages", () => {
  it("say how much of the one before is left, and nothing where that was empty", () => {
    const shares = shownStages(funnel([200, 50, 0, 0, 0])).map((stage) => stage.share);
    expect(shares).toEqual([null, 0.25, 0, null, null]);
  });

  it("end before validation without sensors, whatever is counted", () => {
    const known = shownStages(funnel([5, 4, 3, 2, 1], "controller_only")).map((stage) => stage.isKnown);
    expect(known).toEqual([true, true, true, true, false]);
    expect(shownStages(funnel([5, 4, 3, 2, 1])).every((stage) => stage.isKnown)).toBe(true);
  });
});

it("points at the indicators that have advice", () => {
  expect(incompleteBy(funnel([0]))).toEqual([]);
  expect(incompleteBy({ ...funnel([0]), scan_advice: "wait", installation_advice: "install" })).toEqual([
    "Scan Status",
    "Installation Status",
  ]);
});
