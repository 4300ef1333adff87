import { describe, expect, it } from "vitest";
import type { ExposureRow } from "../api/generated/types.gen";
import { countByCategory, cweLink, describeCategory, placeOf } from "./exposures";

const ROW: ExposureRow = {
  id: 1,
  category: "secrets",
  rule_id: "EXP-SECRET-x",
  severity: "High",
  title: "A token",
  description: "",
  recommendation: "",
  path: "/app/.env",
  location: "line 3",
  evidence: "TOKEN=****",
  cwe: "CWE-798",
  layer_digest: "sha256:1",
  is_deleted: false,
  first_found_at: "2026-11-21T00:00:00Z",
};

describe("exposures", () => {
  it("says of a scanned category how much was found, and of another why not", () => {
    const done = { status: "DONE", time: null, reason: "" } as const;
    expect(describeCategory(done, 0).name).toBe("None found");
    expect(describeCategory(done, 3)).toEqual({ name: "3 found", status: "warning", more: "" });
    const missing = { status: "NOT_SUPPORTED", time: null, reason: "checkov is not installed" } as const;
    expect(describeCategory(missing, 0)).toEqual({
      name: "Not supported",
      status: "warning",
      more: "checkov is not installed",
    });
  });

  it("counts rows by category", () => {
    const counts = countByCategory([ROW, { ...ROW, id: 2 }, { ...ROW, id: 3, category: "iac" }]);
    expect([counts.get("secrets"), counts.get("iac"), counts.get("services")]).toEqual([2, 1, undefined]);
  });

  it("names a place in a file, or in the configuration", () => {
    expect(placeOf(ROW)).toBe("/app/.env, line 3");
    expect(placeOf({ ...ROW, path: "", location: "ENV TOKEN" })).toBe("ENV TOKEN");
  });

  it("links to weaknesses and to nothing else", () => {
    expect(cweLink("CWE-798")).toBe("https://cwe.mitre.org/data/definitions/798.html");
    expect(cweLink("CWE-798/../x")).toBeUndefined();
  });
});
