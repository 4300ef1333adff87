import { expect, it } from "vitest";
import type { RegistrationTokenInfo, TokenState } from "../api/generated/types.gen";
import { namesOf, tokensToRenew } from "./tokenState";

function token(state: TokenState, ...names: string[]): RegistrationTokenInfo {
  return { state, clusters: names.map((name) => ({ id: name, name })) } as RegistrationTokenInfo;
}

it("warns of tokens that clusters use, and of no others", () => {
  const tokens = [
    token("valid", "a"),
    token("expiring", "b"),
    token("expired"),
    token("expired", "c"),
    token("revoked", "d"),
  ];
  expect(tokensToRenew(tokens).map(namesOf)).toEqual(["b", "c"]);
});

it("names a few clusters and counts the others", () => {
  expect(namesOf(token("valid", "a", "b", "c", "d", "e"))).toBe("a, b, c and 2 more");
});
