import { expect, it } from "vitest";
import { describeTrial } from "./trial";

const SEEN = { source: "executions", looked_at: 120, complete: true, matches: 2, perhaps: 1, shown: [] };

it("adds up what was looked at, and says where there was more", () => {
  const opened = { ...SEEN, source: "observations", looked_at: 20_000, complete: false, matches: 0, perhaps: 3 };
  expect(describeTrial({ sources: [SEEN] })).toBe("It matches 2 and perhaps 1 of 120 different records");
  expect(describeTrial({ sources: [SEEN, opened] })).toBe(
    "It matches 2 and perhaps 4 of 20120 or more different records",
  );
});
