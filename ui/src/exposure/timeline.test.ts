import { expect, it } from "vitest";
import { lengthOf, timelineOf } from "./timeline";

const NOW = new Date("2026-11-21T12:00:00Z");
const OPENED = { opened_at: "2026-11-21T10:00:00Z", detected_at: "2026-11-21T10:05:00Z" };
const NOTHING = { notified_at: null, acknowledged_at: null, closed_at: null };

function phases(window: Parameters<typeof timelineOf>[0]) {
  return timelineOf(window, NOW).map(({ phase, seconds }) => [phase, seconds]);
}

it("divides a closed window by what happened to it", () => {
  const window = {
    ...OPENED,
    notified_at: "2026-11-21T10:05:02Z",
    acknowledged_at: "2026-11-21T10:15:02Z",
    closed_at: "2026-11-21T11:15:02Z",
  };
  expect(phases(window)).toEqual([
    ["undetected", 300],
    ["unnotified", 2],
    ["unacknowledged", 600],
    ["in hand", 3600],
  ]);
});

it("lets the phase go on that nothing has ended", () => {
  expect(phases({ ...OPENED, ...NOTHING })).toEqual([
    ["undetected", 300],
    ["unnotified", 6900],
  ]);
  expect(phases({ ...OPENED, ...NOTHING, notified_at: "2026-11-21T11:00:00Z" })).toEqual([
    ["undetected", 300],
    ["unnotified", 3300],
    ["unacknowledged", 3600],
  ]);
});

it("has no phase without length, and none after the end", () => {
  const late = "2026-11-21T10:30:00Z";
  const window = { ...OPENED, ...NOTHING, notified_at: late, closed_at: "2026-11-21T10:20:00Z" };
  expect(phases(window)).toEqual([
    ["undetected", 300],
    ["unnotified", 900],
  ]);
  expect(phases({ ...OPENED, ...NOTHING, opened_at: OPENED.detected_at, closed_at: OPENED.detected_at })).toEqual([]);
});

it("says of each phase whether what it waited for came", () => {
  const window = { ...OPENED, ...NOTHING, notified_at: "2026-11-21T10:05:02Z", closed_at: "2026-11-21T11:15:02Z" };
  expect(timelineOf(window, NOW).map(({ text }) => text)).toEqual([
    "5 min to detect",
    "2 s to notify",
    "1 h not acknowledged",
  ]);
});

it("is acknowledged though nobody was notified", () => {
  expect(phases({ ...OPENED, ...NOTHING, acknowledged_at: "2026-11-21T11:00:00Z" })).toEqual([
    ["undetected", 300],
    ["unacknowledged", 3300],
    ["in hand", 3600],
  ]);
});

it("says lengths of time", () => {
  expect(lengthOf(null)).toBe("–");
  expect(lengthOf(3725)).toBe("1 h 2 min");
});
