import type { LabelProps } from "@patternfly/react-core";
import type { AttestationOut, BuildProvenanceOut, SignatureOut, SignatureState } from "../api/generated/types.gen";

interface Standing {
  name: string;
  /** What it does and does not say. */
  meaning: string;
  status: LabelProps["status"];
}

const STANDINGS: Readonly<Record<SignatureState, Standing>> = {
  verified: {
    name: "Signed by a trusted signer",
    meaning: "A signature for this very image was verified, and somebody here trusts who made it.",
    status: "success",
  },
  untrusted: {
    name: "Not verified",
    meaning:
      "Something is attached as a signature, but by nobody who is trusted here, or in a way that cannot be checked.",
    status: "warning",
  },
  invalid: {
    name: "Invalid signature",
    meaning: "What is attached as a signature does not hold for this image.",
    status: "danger",
  },
  unsigned: { name: "Unsigned", meaning: "The registry has no signature for this image.", status: undefined },
};

const NOT_LOOKED: Standing = {
  name: "Not known",
  meaning: "Whether the image is signed has not been found out.",
  status: undefined,
};

/** What is known of an image's signatures, in words that claim no more than was proven. */
export function describeSignatures({ state }: Pick<AttestationOut, "state">): Standing {
  return state ? STANDINGS[state] : NOT_LOOKED;
}

/** What one signature amounts to. */
export function signatureName({ state }: Pick<SignatureOut, "state">): string {
  return SIGNATURES[state];
}

/** How a label shows it. */
export function signatureStatus({ state }: Pick<SignatureOut, "state">): LabelProps["status"] {
  return STANDINGS[state].status;
}

const SIGNATURES: Readonly<Record<SignatureState, string>> = {
  verified: "Verified",
  untrusted: "Not verified",
  invalid: "Invalid",
  unsigned: "Unsigned",
};

/** What a signature was made with; a method this console does not know is shown as it is. */
export const METHODS: Readonly<Record<string, string>> = {
  key: "A key",
  keyless: "An identity",
  notary: "Notary Project",
};

/** Who signed: proven only where a trusted key or a certificate says so. */
export function signerName({ signer, method }: Pick<SignatureOut, "signer" | "method">): string {
  return signer || (method === "key" ? "An unknown key" : "Not known");
}

/** Whether a transparency log has a signature, as far as that was checked. */
export function logText({ is_logged }: Pick<SignatureOut, "is_logged">): string {
  return is_logged ? "Proof of its entry verified" : "Not checked";
}

/** Who vouches for a description of a build, or an SBOM. */
export function voucher(signature: SignatureOut | null): { name: string; status: LabelProps["status"]; note: string } {
  if (signature === null) {
    return {
      name: "Not signed",
      status: undefined,
      note: "Nobody vouches for it: whoever can push to the repository may have written it.",
    };
  }
  if (signature.state === "verified") {
    return { name: "Signed by a trusted signer", status: "success", note: signature.signer };
  }
  return {
    name: "Signature not verified",
    status: "warning",
    note: [signature.signer, signature.detail].filter(Boolean).join(": "),
  };
}

const FORGES = /^https:\/\/(github\.com|gitlab\.com|codeberg\.org)\/[\w.-]+(\/[\w.-]+)+$/;

/** The page of a commit at forges whose addresses are known; elsewhere the repository itself, if that is a web address. */
export function sourceLink({ source_url, revision }: Pick<BuildProvenanceOut, "source_url" | "revision">): string {
  const forge = FORGES.exec(source_url)?.[1];
  if (forge && /^[0-9a-f]{7,64}$/.test(revision)) {
    return `${source_url}/${forge === "gitlab.com" ? "-/" : ""}commit/${revision}`;
  }
  return isWebAddress(source_url) ? source_url : "";
}

/** Whether a text that somebody else wrote may become a link. */
export function isWebAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

/** The trusted signers of an image, or else what is known of who signed it; empty where nothing is. */
export function signersOf({ signatures = [], state }: Pick<AttestationOut, "signatures" | "state">): string {
  const named = signatures.filter((signature) => signature.state === state && signature.signer);
  return [...new Set(named.map(({ signer }) => signer))].join(", ");
}
