import { expect, it } from "vitest";
import type { DetectionRow } from "../api/generated/types.gen";
import { bodyOf, draftFrom, isNarrow, newDraft } from "./exceptionDraft";

const NOW = new Date(2026, 10, 21, 10);
const DETECTION = {
  rule: "reverse-shell",
  cluster: "test",
  namespace: "shop",
  workload: "web",
  repository: "registry.example:5000/shop/web",
  program: "/bin/bash",
} as DetectionRow;

it("begins as narrow as the detection it is made from", () => {
  expect(draftFrom(DETECTION, NOW)).toEqual({
    rule: "reverse-shell",
    cluster: "test",
    namespace: "shop",
    workload: "web",
    repository: "registry.example:5000/shop/web",
    program: "/bin/bash",
    reason: "",
    day: "2026-12-21",
  });
});

it("is not about everything", () => {
  expect(isNarrow(newDraft(NOW))).toBe(false);
  expect(isNarrow({ ...newDraft(NOW), rule: " ** " })).toBe(false);
  expect(isNarrow({ ...newDraft(NOW), program: "/usr/*" })).toBe(true);
});

it("lasts until its last day is over", () => {
  expect(bodyOf({ ...newDraft(NOW), day: "2026-12-21" }).until).toBe(new Date(2026, 11, 21, 23, 59, 59).toISOString());
});
