import { expect, it } from "vitest";
import {
  detectionPath,
  filterOf,
  formatDetectionQuery,
  isNarrowed,
  openDetectionsPath,
  parseDetectionQuery,
  toggleValue,
} from "./detectionQuery";

const USUAL = parseDetectionQuery(new URLSearchParams());
const NOW = new Date("2026-11-21T10:20:30Z");

it("comes back from its address as it was", () => {
  const query = {
    ...USUAL,
    search: "web",
    severity: ["Critical"] as const,
    status: ["open"] as const,
    response: ["would_block"] as const,
    rule: ["drift-execution"],
    repository: ["registry.example/shop/web"],
    shown: "all" as const,
    order: "severity" as const,
    days: 90,
  };
  expect(parseDetectionQuery(formatDetectionQuery(query))).toEqual(query);
  expect(formatDetectionQuery(USUAL).toString()).toBe("");
});

it("leaves out what means nothing", () => {
  const typed = new URLSearchParams("severity=Awful&status=gone&shown=some&days=3&order=up&rule=");
  expect(parseDetectionQuery(typed)).toEqual(USUAL);
});

it("asks for whole hours, so that the same question is asked again", () => {
  expect(filterOf(USUAL, NOW).since).toBe("2026-10-22T10:00:00.000Z");
});

it("knows what narrows the list", () => {
  expect(isNarrowed({ ...USUAL, days: 1, order: "severity", shown: "all" })).toBe(false);
  expect(isNarrowed({ ...USUAL, shown: "suppressed" })).toBe(false);
  expect(isNarrowed(toggleValue(USUAL, "severity", "High"))).toBe(true);
  expect(toggleValue(toggleValue(USUAL, "rule", "a"), "rule", "a")).toEqual(USUAL);
});

it("leads from an image to its open detections, the worst first", () => {
  const path = new URL(openDetectionsPath("registry.example/shop/web"), "https://deadlight.example");
  const query = parseDetectionQuery(path.searchParams);
  expect(query.repository).toEqual(["registry.example/shop/web"]);
  expect([query.status, query.order]).toEqual([["open", "acknowledged"], "severity"]);
});

it("keeps the list when a detection is opened", () => {
  expect(detectionPath(7, { ...USUAL, search: "web" })).toBe("/runtime/detections/7?search=web");
});
