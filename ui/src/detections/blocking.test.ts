import { expect, it } from "vitest";
import type { BlockingOut } from "../api/generated/types.gen";
import { auditedSoFar, bodyOf, draftOf, mistakeIn, needsProof } from "./blocking";

const AUDITED = {
  mode: "audit",
  drift: true,
  mismatch: false,
  included: ["shop-*", "bank"],
  excluded: [],
  objection: "",
  is_counted_whole: true,
} as unknown as BlockingOut;

it("comes back from its draft as it was", () => {
  expect(bodyOf(draftOf(AUDITED))).toEqual({
    mode: "audit",
    drift: true,
    mismatch: false,
    included: ["shop-*", "bank"],
    excluded: [],
    unproven: false,
  });
});

it("takes patterns with spaces or commas between them", () => {
  expect(bodyOf({ ...draftOf(AUDITED), included: " a, b a\n c " }).included).toEqual(["a", "b", "c"]);
});

it("is about something", () => {
  expect(mistakeIn({ ...draftOf(AUDITED), drift: false })).not.toBe("");
  expect(mistakeIn({ ...draftOf(AUDITED), drift: false, mode: "off" })).toBe("");
});

it("wants a word before what was not audited is enforced", () => {
  const enforced = { ...draftOf(AUDITED), mode: "enforce" as const };
  expect(needsProof(AUDITED, enforced)).toBe(false);
  expect(needsProof({ ...AUDITED, objection: "an hour only" }, enforced)).toBe(true);
  expect(needsProof(AUDITED, { ...enforced, mismatch: true })).toBe(true);
  expect(needsProof(AUDITED, { ...enforced, included: "bank shop-*" })).toBe(false);
  expect(needsProof(AUDITED, { ...enforced, mode: "off" })).toBe(false);
});

it("counts what audit would have stopped", () => {
  const said = (programs: number, times: number) =>
    auditedSoFar({ ...AUDITED, would_block_programs: programs, would_block_times: times });
  expect(said(1, 1)).toBe("Audit would have stopped 1 program so far, 1 time");
  expect(said(2, 0)).toBe("Audit would have stopped 2 programs so far, 0 times");
  const least = { ...AUDITED, would_block_programs: 2, would_block_times: 3, is_counted_whole: false };
  expect(auditedSoFar(least)).toBe("Audit would have stopped at least 2 programs so far, 3 times");
});
