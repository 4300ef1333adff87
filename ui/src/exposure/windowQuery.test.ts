import { expect, it } from "vitest";
import { exportPath, formatWindowQuery, parseWindowQuery, toggleValue, windowPath } from "./windowQuery";

const USUAL = parseWindowQuery(new URLSearchParams());
const NOW = new Date("2026-11-21T10:20:30Z");

it("comes back from its address as it was", () => {
  const query = {
    ...USUAL,
    search: "web",
    risk: ["malicious"] as const,
    state: ["open", "suppressed"] as const,
    cluster: ["a b"],
    team: ["shop"],
    days: 90,
    group: "team" as const,
    measure: "p90" as const,
  };
  expect(parseWindowQuery(formatWindowQuery(query))).toEqual(query);
  expect(formatWindowQuery(USUAL).toString()).toBe("");
});

it("leaves out of an address what means nothing", () => {
  const typed = new URLSearchParams("risk=ajar&state=open&state=open&days=-5&group=colour&team=");
  expect(parseWindowQuery(typed)).toEqual({ ...USUAL, state: ["open"] });
});

it("says which windows a file is to have", () => {
  const query = toggleValue(toggleValue(USUAL, "risk", "malicious"), "state", "open");
  expect(exportPath(query, "csv", NOW)).toBe(
    "/api/v1/exposure-windows/export?format=csv&risk=malicious&since=2026-10-22T10%3A00%3A00.000Z&state=open",
  );
});

it("keeps the filters beside an open window", () => {
  expect(windowPath(7, toggleValue(USUAL, "team", "shop"))).toBe("/runtime/exposure-windows/7?team=shop");
  expect(windowPath(null, USUAL)).toBe("/runtime/exposure-windows");
});
