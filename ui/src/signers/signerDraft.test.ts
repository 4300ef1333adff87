import { expect, test } from "vitest";
import { bodyOf, draftOf, NEW_SIGNER } from "./signerDraft";

test("only what belongs to the chosen means is sent", () => {
  const both = { ...NEW_SIGNER, name: " release ", keyPem: "PEM\n", identity: "jane@example.com", issuer: "https://i" };
  expect(bodyOf(both)).toMatchObject({ name: "release", key_pem: "PEM", identity: "", issuer: "" });
  expect(bodyOf({ ...both, means: "identity" })).toMatchObject({
    key_pem: "",
    identity: "jane@example.com",
    issuer: "https://i",
  });
});

test("a stored signer is sent back as it was", () => {
  const body = {
    name: "release",
    key_pem: "",
    identity: "https://github.com/acme/*",
    issuer: "https://i",
    repositories: ["ghcr.io/acme/*", "docker.io/acme/*"],
  };
  expect(bodyOf(draftOf({ ...body, id: 1, created_at: "2026-01-01T00:00:00Z" }))).toEqual(body);
});
