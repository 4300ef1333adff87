import { expect, it } from "vitest";
import { shortDigest } from "./digest";
import { findEmail } from "./email";
import { codeParts, sentence } from "./sentence";
import { countsBySeverity } from "./severities";

it("shortens a digest, and nothing that is none", () => {
  expect(shortDigest(`sha256:${"0123456789abcdef".repeat(4)}`)).toBe("sha256:0123456789ab");
  expect(shortDigest("latest")).toBe("latest");
});

it("finds the address in what people write into labels", () => {
  expect(findEmail("Ada Lovelace <ada@example.com>")).toBe("ada@example.com");
  expect(findEmail("ada@example.com, grace@example.com")).toBe("ada@example.com");
  expect(findEmail("Argo CD application shop")).toBeUndefined();
});

it("makes sentences of clauses", () => {
  expect(sentence("name or password is wrong")).toBe("Name or password is wrong.");
  expect(sentence("Really?")).toBe("Really?");
  expect(sentence("")).toBe("");
});

it("finds what stands between backticks, and nothing where one is missing its other", () => {
  expect(codeParts("install it with `pipx install checkov`.")).toEqual([
    "install it with ",
    "pipx install checkov",
    ".",
  ]);
  expect(codeParts("plain")).toEqual(["plain"]);
  expect(codeParts("a ` alone")).toEqual(["a ` alone"]);
});

it("counts severities worst first, without those there are none of", () => {
  expect(countsBySeverity({ Unknown: 1, Low: 0, Critical: 2, Odd: 9 })).toEqual([
    ["Critical", 2],
    ["Unknown", 1],
  ]);
});
