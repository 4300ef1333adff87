import { expect, it } from "vitest";
import { arcsOf } from "./donut";

it("closes the ring, each part where the one before ends", () => {
  const arcs = arcsOf([
    { state: "running", count: 2 },
    { state: "failed", count: 1 },
    { state: "disabled", count: 1 },
  ]);
  expect(arcs.map(({ start, length }) => [start, length])).toEqual([
    [0, 0.5],
    [0.5, 0.25],
    [0.75, 0.25],
  ]);
  expect(arcsOf([])).toEqual([]);
});
