import { describe, expect, it } from "vitest";
import type { RuleOut } from "../api/generated/types.gen";
import { bodyOf, draftOf, moved, NEW_RULE, namesSomebody, parseLabels, patternsOf } from "./ruleDraft";

const RULE: RuleOut = { id: 4, position: 2, namespace: "shop-*", label: "tier=1", team: "shop", demonstration: true };

describe("a rule in its form", () => {
  it("is sent as it was, without the blanks around it", () => {
    const body = bodyOf({ ...draftOf(RULE), team: " shop " });
    expect(body).toMatchObject({ namespace: "shop-*", label: "tier=1", team: "shop", email: "", demonstration: true });
    expect(body).not.toHaveProperty("id");
  });

  it("needs somebody to name", () => {
    expect(namesSomebody(NEW_RULE)).toBe(false);
    expect(namesSomebody({ ...NEW_RULE, slack: "#shop" })).toBe(false);
    expect(namesSomebody({ ...NEW_RULE, email: "a@b.example" })).toBe(true);
  });

  it("tells what it is about", () => {
    expect(patternsOf(RULE)).toEqual([
      { name: "namespace", pattern: "shop-*" },
      { name: "label", pattern: "tier=1" },
    ]);
    expect(patternsOf({ id: 1, position: 1, team: "x" })).toEqual([]);
  });
});

it.each([
  [1, -1, [1, 2, 3]],
  [3, -1, [1, 3, 2]],
  [3, -9, [3, 1, 2]],
  [1, 1, [2, 1, 3]],
  [3, 1, [1, 2, 3]],
  [9, 1, [1, 2, 3]],
])("moves %d by %d places", (id, places, expected) => {
  expect(moved([1, 2, 3], id, places)).toEqual(expected);
});

it("reads labels on lines and between commas, and skips what is none", () => {
  expect(parseLabels("team=shop, tier = 1\n nonsense\nurl=a=b\n=x")).toEqual({ team: "shop", tier: "1", url: "a=b" });
});
