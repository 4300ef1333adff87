import { expect, it } from "vitest";
import { matching, pageOf } from "./paging";

const ROWS = ["alpha one", "Beta two", "alpha two"];

it("goes to the last page when the list has become shorter", () => {
  expect(pageOf(ROWS, 9, 2)).toEqual({ rows: ["alpha two"], page: 2 });
  expect(pageOf([], 3, 2)).toEqual({ rows: [], page: 1 });
  expect(pageOf(ROWS, 0, 2).page).toBe(1);
});

it("finds rows that have every word, in any case and order", () => {
  expect(matching(ROWS, "TWO alpha", (row) => row)).toEqual(["alpha two"]);
  expect(matching(ROWS, "  ", (row) => row)).toBe(ROWS);
});
