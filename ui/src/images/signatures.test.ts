import { expect, it } from "vitest";
import type { SignatureOut } from "../api/generated/types.gen";
import { describeSignatures, logText, signerName, signersOf, sourceLink, voucher } from "./signatures";

const SIGNATURE: SignatureOut = {
  state: "untrusted",
  method: "keyless",
  signer: "jane@example.com",
  issuer: "https://issuer.example",
  signed_at: null,
  detail: "nobody here trusts this identity",
  is_logged: true,
};

it("calls only the signature of a trusted signer verified or trusted", () => {
  expect(describeSignatures({ state: "verified" })).toMatchObject({ name: "Signed by a trusted signer" });
  for (const state of ["untrusted", "invalid", "unsigned", null] as const) {
    const { name, status } = describeSignatures({ state });
    expect(name).not.toMatch(/^(Verified|Signed|Trusted)/);
    expect(status).not.toBe("success");
  }
});

it("names nobody whose signature was not proven", () => {
  expect(signerName({ signer: "", method: "key" })).toBe("An unknown key");
  expect(signerName({ signer: "", method: "notary" })).toBe("Not known");
  expect(logText({ is_logged: false })).toBe("Not checked");
});

it("says who vouches for provenance, and that nobody does", () => {
  expect(voucher(null)).toMatchObject({ name: "Not signed", status: undefined });
  expect(voucher(SIGNATURE)).toEqual({
    name: "Signature not verified",
    status: "warning",
    note: "jane@example.com: nobody here trusts this identity",
  });
  expect(voucher({ ...SIGNATURE, state: "verified", detail: "" })).toMatchObject({ status: "success" });
});

it("links to the commit where it knows the forge, and to nothing that is no web address", () => {
  const revision = "0123456789abcdef0123456789abcdef01234567";
  const at = (source_url: string, of = revision) => sourceLink({ source_url, revision: of });
  expect(at("https://github.com/acme/shop")).toBe(`https://github.com/acme/shop/commit/${revision}`);
  expect(at("https://gitlab.com/acme/team/shop")).toBe(`https://gitlab.com/acme/team/shop/-/commit/${revision}`);
  expect(at("https://github.com/acme/shop", "main")).toBe("https://github.com/acme/shop");
  expect(at("https://git.example.com/acme/shop")).toBe("https://git.example.com/acme/shop");
  expect(at("ssh://git@example.com/shop")).toBe("");
  expect(at("javascript:alert(1)")).toBe("");
});

it("names the signers that make an image what it is, each once", () => {
  const trusted: SignatureOut = { ...SIGNATURE, state: "verified", signer: "release" };
  expect(signersOf({ state: "verified", signatures: [trusted, trusted, SIGNATURE] })).toBe("release");
  expect(signersOf({ state: "unsigned" })).toBe("");
});
