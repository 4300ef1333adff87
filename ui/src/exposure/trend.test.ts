import { expect, it } from "vitest";
import { groupName, niceStep, trendOf } from "./trend";

const point = (at: string, median: number | null) => ({
  at,
  detected: 0,
  window: { count: median === null ? 0 : 1, median_seconds: median, p90_seconds: median && median * 2 },
});
const POINTS = [point("2026-11-20T00:00:00Z", 60), point("2026-11-21T00:00:00Z", null)];

it("has two lines for everything and one for each risk or team", () => {
  const all = trendOf({ series: [{ name: "", points: POINTS }] }, "all", "median");
  expect(all.at).toEqual(["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"]);
  expect(all.lines.map(({ values }) => values)).toEqual([
    [60, null],
    [120, null],
  ]);
  const byRisk = trendOf({ series: [{ name: "malicious", points: POINTS }] }, "risk", "p90");
  expect(byRisk.lines).toEqual([{ name: "Malicious Packages", values: [120, null] }]);
  expect(trendOf({ series: [] }, "team", "median")).toEqual({ at: [], lines: [] });
});

it("names windows of no team", () => {
  expect(groupName("", "team")).toBe("No team");
});

it("divides an axis as people divide time", () => {
  expect([0, 20, 200, 7200, 200_000, 86_400 * 60].map(niceStep)).toEqual([1, 5, 60, 1800, 43_200, 864_000]);
});
