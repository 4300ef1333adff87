import { expect, it } from "vitest";
import { endOfDay, inDays, isWithinReach } from "./days";

const NOW = new Date("2026-11-21T12:00:00");

it("lasts until the end of a day within a year", () => {
  expect(inDays(NOW, 30)).toBe("2026-12-21");
  expect(endOfDay("2026-12-21")).toEqual(new Date("2026-12-21T23:59:59"));
  expect(["2026-11-21", "2027-11-20"].map((day) => isWithinReach(day, NOW))).toEqual([true, true]);
  expect(["2026-11-20", "2028-01-01", "", "soon", "2026-13-41"].map((day) => isWithinReach(day, NOW))).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
});
