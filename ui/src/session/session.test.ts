import { expect, it } from "vitest";
import { passwordMistake } from "./password";
import { includesRole } from "./session";

it("lets every role do what those below it may", () => {
  expect(includesRole("admin", "viewer")).toBe(true);
  expect(includesRole("operator", "operator")).toBe(true);
  expect(includesRole("viewer", "operator")).toBe(false);
});

it("refuses a password that is too short or no change", () => {
  expect(passwordMistake("one-time password", "eleven char")).toContain("at least 12");
  expect(passwordMistake("one-time password", "one-time password")).toContain("choose another");
  expect(passwordMistake("one-time password", "twelve chars")).toBe("");
});
