import { expect, it } from "vitest";
import { holdSteady } from "./steadyRows";

const rows = (text: string) => new Map([...text].map((key) => [key, key.toUpperCase()]));

it("keeps rows where they are and gives them their newest values", () => {
  const fresh = new Map([
    ["b", "new B"],
    ["a", "A"],
  ]);
  const steady = holdSteady(rows("ab"), fresh);
  expect(steady.rows).toEqual([
    { key: "a", row: "A", isGone: false },
    { key: "b", row: "new B", isGone: false },
  ]);
  expect(steady).toMatchObject({ added: 0, gone: 0, hasMoved: true });
});

it("counts what is new and leaves what is gone in its place", () => {
  const steady = holdSteady(rows("abc"), rows("acde"));
  expect(steady).toMatchObject({ added: 2, gone: 1, hasMoved: false });
  expect(steady.rows.map(({ key, isGone }) => key + (isGone ? "!" : ""))).toEqual(["a", "b!", "c"]);
});

it("has nothing to say of a list that is the same", () => {
  expect(holdSteady(rows("abc"), rows("abc"))).toMatchObject({ added: 0, gone: 0, hasMoved: false });
});
