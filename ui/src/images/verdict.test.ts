import { expect, it } from "vitest";
import { readDifferences, readEvidence, sideOfDeployment } from "./verdict";

it("reads evidence of which parts are missing or are not texts", () => {
  const evidence = readEvidence({ reference: "a/b:1", deployed_at: null, mutability_detail: 3 });
  expect(evidence).toEqual({
    reference: "a/b:1",
    mutability: "",
    deployedAt: "",
    tagUpdatedAt: "",
    lastSeenPresentAt: "",
    pushedBy: "",
    pushedAt: "",
    deletedBy: "",
    deletedAt: "",
    restorableFrom: "",
    origin: "",
  });
});

it("reads what differs, as far as it is there", () => {
  expect(readDifferences({})).toBeNull();
  expect(readDifferences({ differences: { problem: "the manifest is gone" } })).toEqual({
    commonLayers: undefined,
    onlyRunning: [],
    onlyExpected: [],
    config: [],
    problem: "the manifest is gone",
  });
  const found = readDifferences({
    differences: {
      layers: { common: 2, only_running: [{ digest: "sha256:a", size: 5, created_by: "RUN x" }], only_expected: "?" },
      config: [{ field: "Env", running: "A=1", expected: "" }, null],
    },
  });
  expect(found?.commonLayers).toBe(2);
  expect(found?.onlyRunning).toEqual([{ digest: "sha256:a", size: 5, createdBy: "RUN x" }]);
  expect(found?.onlyExpected).toEqual([]);
  expect(found?.config).toEqual([{ field: "Env", running: "A=1", expected: "" }]);
});

it("says on which side of the deployment the tag was updated", () => {
  const [earlier, later] = ["2026-11-01T12:00:00Z", "2026-11-03T15:00:00Z"];
  expect(sideOfDeployment(earlier, later, "2 d 3 h")).toBe("2 d 3 h after the deployment");
  expect(sideOfDeployment(later, earlier, "2 d 3 h")).toBe("2 d 3 h before the deployment");
});
