import { describe, expect, it } from "vitest";
import { elapsed, relative } from "./moment";

const NOON = new Date("2026-11-01T12:00:00Z");
const later = (milliseconds: number) => new Date(NOON.getTime() + milliseconds);

describe("how long ago", () => {
  it.each([
    [0, "now"],
    [-999, "now"],
    [-59_999, "59 seconds ago"],
    [-60_000, "1 minute ago"],
    [-3_599_999, "59 minutes ago"],
    [-86_400_000, "yesterday"],
    [7_200_000, "in 2 hours"],
  ])("%d ms", (milliseconds, text) => {
    expect(relative(later(milliseconds), NOON)).toBe(text);
  });
});

describe("the time between", () => {
  it.each([
    [0, "under a second"],
    [43_000, "43 s"],
    [61_000, "1 min 1 s"],
    [86_400_000 * 19 + 3_600_000 * 17 + 60_000, "19 d 17 h"],
    [86_400_000 + 5_000, "1 d 5 s"],
  ])("%d ms", (milliseconds, text) => {
    expect(elapsed(NOON, later(milliseconds))).toBe(text);
    expect(elapsed(later(milliseconds), NOON)).toBe(text);
  });
});
