import { describe, expect, it } from "vitest";
import { nextPath, signInPath } from "./nextPath";

it("leads back to the page somebody wanted to see", () => {
  const path = signInPath({ pathname: "/admin/workers/alerts", search: "?status=dead&worker=1" });
  expect(nextPath(path.slice("/sign-in".length))).toBe("/admin/workers/alerts?status=dead&worker=1");
  expect(signInPath({ pathname: "/", search: "" })).toBe("/sign-in");
});

describe("never leads to another site", () => {
  it.each(["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil", ""])(
    "%s",
    (next) => {
      expect(nextPath(`?${new URLSearchParams({ next })}`)).toBe("/");
    },
  );
});

it("does not lead to the sign-in page again", () => {
  expect(nextPath("?next=/sign-in")).toBe("/");
});
