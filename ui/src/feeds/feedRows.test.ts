import { describe, expect, it } from "vitest";
import type { FeedOut, FeedPart } from "../api/generated/types.gen";
import { canRefresh, feedRows, pauseMilliseconds } from "./feedRows";

const PART: FeedPart = {
  part: "Debian",
  state: "current",
  problem: "",
  records: 2,
  bytes_received: 10,
  failures: 0,
  started_at: null,
  succeeded_at: "2026-01-01T00:00:00Z",
  next_attempt_at: null,
  last_result: {},
};

const FEED: FeedOut = {
  name: "osv",
  title: "OSV",
  url: "https://osv.example",
  state: "current",
  problem: "",
  records: 3,
  succeeded_at: null,
  next_attempt_at: null,
  parts: [PART, { ...PART, part: "npm", state: "failed", problem: "no answer", records: 1 }],
};

describe("the lines of feeds", () => {
  it("are one for each part, of which the first has the feed's name", () => {
    expect(feedRows([FEED]).map((row) => [row.part, row.state, row.problem, row.records, row.isFirst])).toEqual([
      ["Debian", "current", "", 2, true],
      ["npm", "failed", "no answer", 1, false],
    ]);
  });

  it("are one for a feed without parts, with why it is off", () => {
    const off: FeedOut = { ...FEED, state: "off", problem: "switched off", parts: [] };
    expect(feedRows([off]).map((row) => [row.part, row.state, row.problem, row.records])).toEqual([
      ["", "off", "switched off", 3],
    ]);
  });

  it("say why a part that was fetched before is off", () => {
    const off: FeedOut = { ...FEED, state: "off", problem: "switched off", parts: [{ ...PART, state: "off" }] };
    expect(feedRows([off])[0]?.problem).toBe("switched off");
  });
});

it.each([
  [FEED, true],
  [{ ...FEED, state: "off" as const }, false],
  [{ ...FEED, parts: [] }, false],
  [{ ...FEED, parts: [{ ...PART, state: "refreshing" as const }] }, false],
])("can be refreshed where there is something to ask for (case %#)", (feed, can) => {
  expect(canRefresh(feed)).toBe(can);
});

it("looks again soon while something is under way", () => {
  expect(pauseMilliseconds([{ ...FEED, state: "refreshing" }])).toBeLessThan(pauseMilliseconds([FEED]));
  expect(pauseMilliseconds(undefined)).toBe(pauseMilliseconds([FEED]));
});
