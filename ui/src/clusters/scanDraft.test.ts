import { expect, it } from "vitest";
import type { ClusterRow, Scanner, ScannerCoverage } from "../api/generated/types.gen";
import { differ, draftOf, missingCore, retentionMistake, toggleGroup } from "./scanDraft";

function cluster(scanners: readonly Scanner[], retention_days = 90): ClusterRow {
  return { configuration: { scanners, retention_days } } as ClusterRow;
}

it("starts with what is configured and says when clusters differ", () => {
  expect(draftOf([cluster(["sca"], 7), cluster([])])).toEqual({ scanners: ["sca"], retentionDays: 7 });
  expect(differ([cluster(["sca"]), cluster(["sca"])])).toBe(false);
  expect(differ([cluster(["sca"]), cluster(["sca"], 7)])).toBe(true);
});

it("switches a group as a whole", () => {
  const draft = { scanners: ["sca", "iac"] as const, retentionDays: 90 };
  const all = toggleGroup(draft, ["secrets", "iac"]);
  expect(all.scanners).toEqual(["sca", "secrets", "iac"]);
  expect(toggleGroup(all, ["secrets", "iac"]).scanners).toEqual(["sca"]);
});

it.each([1, 90, 1000])("takes %i days", (days) => expect(retentionMistake(days)).toBe(""));

it.each([0, -1, 1001, 1.5, Number.NaN])("refuses %d days", (days) => expect(retentionMistake(days)).not.toBe(""));

it("names what full coverage needs", () => {
  const known = [
    { scanner: "sca", label: "SCA", is_core: true },
    { scanner: "iac", label: "IaC", is_core: false },
  ] as ScannerCoverage[];
  expect(missingCore({ scanners: [], retentionDays: 1 }, known)).toEqual(["SCA"]);
});
