import type { LabelProps } from "@patternfly/react-core";
import type { RegistrationTokenInfo, TokenState } from "../api/generated/types.gen";

const LOOKS: Readonly<Record<TokenState, { name: string; status: LabelProps["status"] }>> = {
  valid: { name: "Valid", status: "success" },
  expiring: { name: "Expires soon", status: "warning" },
  expired: { name: "Expired", status: "danger" },
  revoked: { name: "Revoked", status: undefined },
};

/** A token's state for people. */
export function tokenLook(state: TokenState) {
  return LOOKS[state];
}

/** Tokens that clusters still use and that end soon, or have ended: those to act on. */
export function tokensToRenew(tokens: readonly RegistrationTokenInfo[]): RegistrationTokenInfo[] {
  return tokens.filter(({ state, clusters }) => clusters.length > 0 && (state === "expiring" || state === "expired"));
}

/** Names of clusters in a sentence, the first few by name. */
export function namesOf({ clusters }: RegistrationTokenInfo): string {
  const named = clusters.slice(0, 3).map(({ name }) => name);
  const more = clusters.length - named.length;
  return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}
