import { describe, expect, it } from "vitest";
import type { FindingRow } from "../api/generated/types.gen";
import { advisoryLink, type Chosen, isLeft, readCodeEvidence, summariseFindings } from "./findings";

const ROW: FindingRow = {
  vulnerability: "CVE-2026-0001",
  aliases: [],
  severity: "Critical",
  severity_source: "GHSA-1",
  known_exploited: false,
  cvss_score: 9.8,
  summary: "",
  malicious: false,
  package_id: 1,
  package: "openssl",
  version: "1",
  ecosystem: "Debian:12",
  fix_version: "",
  applicability: "applicable",
  grade: null,
  evidence_path: "",
  evidence_process: "",
};

const choose =
  (chosen: Record<string, string[]>): Chosen =>
  (name) =>
    chosen[name] ?? [];

describe("the filters of findings", () => {
  it("leave everything where nothing is chosen", () => {
    expect(isLeft(ROW, choose({}))).toBe(true);
  });

  it.each([
    [{ severity: ["High", "Critical"] }, true],
    [{ severity: ["High"] }, false],
    [{ applicability: ["not_covered"] }, false],
    [{ fix: ["no"] }, true],
    [{ fix: ["yes"] }, false],
    [{ exploited: ["no"] }, true],
    [{ exploited: ["yes"] }, false],
    [{ validated: ["no"], severity: ["Critical"] }, true],
    [{ validated: ["yes"], severity: ["Critical"] }, false],
    [{ severity: ["nonsense"] }, false],
  ])("narrow to any value of each: %o", (chosen, left) => {
    expect(isLeft(ROW, choose(chosen))).toBe(left);
  });
});

it("says how findings and distinct vulnerabilities differ", () => {
  const other = { ...ROW, package_id: 2, package: "libssl3" };
  expect(summariseFindings([ROW, other])).toMatch(/^2 findings: 1 distinct vulnerability in 2 packages\./);
});

it("links advisories to where they can be read", () => {
  expect(advisoryLink("CVE-2026-0001")).toBe("https://nvd.nist.gov/vuln/detail/CVE-2026-0001");
  expect(advisoryLink("GHSA-aaaa-bbbb-cccc")).toBe("https://github.com/advisories/GHSA-aaaa-bbbb-cccc");
  expect(advisoryLink("PYSEC-2026-1/..")).toBe("https://osv.dev/vulnerability/PYSEC-2026-1%2F..");
  expect(advisoryLink("DEMO-1")).toBeUndefined();
});

it("reads evidence of contextual analysis of which parts are missing", () => {
  const whole = { path: "/app/main.py", line: 3, call: "joblib.Parallel", rule_id: "joblib-1" };
  expect(readCodeEvidence(whole)).toEqual({
    path: "/app/main.py",
    location: "line 3",
    call: "joblib.Parallel",
    rule: "joblib-1",
  });
  const linked = { path: "/usr/bin/shop", line: 0, call: "example.com/html.Parse", rule_id: "GO-2026-0001" };
  expect(readCodeEvidence(linked).location).toBe("");
  expect(readCodeEvidence({ line: "3" })).toEqual({ path: "", location: "", call: "", rule: "" });
});
