import type { SignerIn, SignerOut } from "../api/generated/types.gen";
import { joinLines, splitLines } from "../forms/lines";

/** Where the signers are. */
export const SIGNERS = "/admin/signers";

export type Means = "key" | "identity";

/** A signer as its form holds it. */
export interface SignerDraft {
  name: string;
  /** With what it signs; what was entered for the other is not sent. */
  means: Means;
  keyPem: string;
  identity: string;
  issuer: string;
  repositories: string;
}

export const NEW_SIGNER: SignerDraft = {
  name: "",
  means: "key",
  keyPem: "",
  identity: "",
  issuer: "",
  repositories: "*",
};

/** What a form on a signer starts with. */
export function draftOf(signer: SignerOut): SignerDraft {
  return {
    name: signer.name,
    means: signer.identity ? "identity" : "key",
    keyPem: signer.key_pem ?? "",
    identity: signer.identity ?? "",
    issuer: signer.issuer ?? "",
    repositories: joinLines(signer.repositories ?? []),
  };
}

/** What is sent to the service. */
export function bodyOf(draft: SignerDraft): SignerIn {
  const isKey = draft.means === "key";
  return {
    name: draft.name.trim(),
    key_pem: isKey ? draft.keyPem.trim() : "",
    identity: isKey ? "" : draft.identity.trim(),
    issuer: isKey ? "" : draft.issuer.trim(),
    repositories: splitLines(draft.repositories),
  };
}
