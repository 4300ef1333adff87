import { expect, it } from "vitest";
import { expectedDigestLabel, readEvidence } from "./verdict";

it("names Artifactory only where that is what the registry is", () => {
  expect(expectedDigestLabel("artifactory")).toBe("Artifactory Digest (Expected)");
  expect(expectedDigestLabel("oci")).toBe("Registry Digest (Expected)");
  expect(expectedDigestLabel("")).toBe("Registry Digest (Expected)");
});

it("reads evidence of which parts are missing or are not texts", () => {
  const evidence = readEvidence({ reference: "a/b:1", deployed_at: null, mutability_detail: 3 });
  expect(evidence).toEqual({
    reference: "a/b:1",
    mutability: "",
    deployedAt: "",
    tagSeenChangedAt: "",
    lastSeenPresentAt: "",
  });
});
