import { expect, it } from "vitest";
import { describeEvidence, describeUser, type Evidence } from "./evidence";

const NOTHING: Evidence = { evidence_program: "", evidence_pid: null, evidence_user: null, evidence_count: null };

it("says who used a package and how often", () => {
  expect(
    describeEvidence({ evidence_program: "/usr/bin/python3", evidence_pid: 8, evidence_user: 33, evidence_count: 4 }),
  ).toBe("/usr/bin/python3, pid 8, user 33, seen 4 times");
  expect(describeEvidence({ ...NOTHING, evidence_user: 0, evidence_count: 1 })).toBe("user 0 (root), seen once");
});

it("says nothing that sensors did not", () => {
  expect(describeEvidence(NOTHING)).toBe("");
  expect(describeEvidence({ ...NOTHING, evidence_pid: 0 })).toBe("");
});

it("names root", () => {
  expect(describeUser(0)).toBe("user 0 (root)");
  expect(describeUser(1000)).toBe("user 1000");
});
