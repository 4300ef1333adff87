import { describe, expect, it } from "vitest";
import type { RegistryOut, RegistryTypeOut } from "../api/generated/types.gen";
import { bodyOf, draftOf, NEW_REGISTRY, paceMistake, readOrigin, typeOf } from "./registryDraft";
import { describePace, describeTraffic, describeWebhooks, readMarkdown, trustOf } from "./registryStanding";

function type(key: string, hosts: string[], ...options: string[]): RegistryTypeOut {
  return {
    key,
    label: key,
    summary: "",
    features: [],
    hosts,
    webhook_format: "",
    scanner: key === "artifactory" ? "Xray" : "",
    options: options.map((name) => ({ name, label: name, help: "", secret: false, required: false })),
  };
}

const TYPES = [type("oci", []), type("ecr", ["*.dkr.ecr.*.amazonaws.com"]), type("artifactory", [], "api_url")];

const REGISTRY: RegistryOut = {
  id: 1,
  host: "registry.example",
  name: "registry.example",
  type: "artifactory",
  options: { api_url: "https://a.example" },
  scan_with: "xray",
  url: "",
  mirrors: [],
  username: "",
  verify_tls: true,
  trusted: true,
  trusted_repositories: [],
  untrusted_repositories: [],
  origins: [
    { prefix: "hub", origin: "docker.io" },
    { prefix: "", origin: "ghcr.io/team" },
  ],
  checks_per_second: 20,
  mutable_tags: ["dev-*"],
  immutable_tags: [],
  demonstration: false,
  created_at: "2026-01-01T00:00:00Z",
  asked_at: null,
  problem: "",
  images: 2000,
  requests: 1204,
  bytes_received: 480_000,
  webhook_created_at: null,
  webhooks_accepted: 0,
  webhook_accepted_at: null,
  webhooks_refused: 0,
  webhook_refused_at: null,
  webhook_problem: "",
};

describe("a registry's form", () => {
  it("sends what it was shown where nothing is changed", () => {
    const body = bodyOf(draftOf(REGISTRY), TYPES);
    expect(body.origins).toEqual(REGISTRY.origins);
    expect(body.options).toEqual(REGISTRY.options);
    expect([body.type, body.checks_per_second, body.password]).toEqual(["artifactory", 20, null]);
    expect(body.scan_with).toBe("xray");
    expect(bodyOf({ ...draftOf(REGISTRY), type: "oci" }, TYPES).scan_with).toBe("deadlight");
  });

  it("sends only settings of the type that is chosen", () => {
    expect(bodyOf({ ...draftOf(REGISTRY), type: "oci" }, TYPES).options).toEqual({});
  });

  it("knows the type that a host tells", () => {
    const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    expect(typeOf({ ...NEW_REGISTRY, host }, TYPES)?.key).toBe("ecr");
    expect(typeOf({ ...NEW_REGISTRY, host: "registry.example" }, TYPES)?.key).toBe("oci");
    expect(typeOf({ ...NEW_REGISTRY, host, type: "oci" }, TYPES)?.key).toBe("oci");
  });

  it.each([
    ["hub = docker.io", { prefix: "hub", origin: "docker.io" }],
    ["/hub/*=ghcr.io/team", { prefix: "hub", origin: "ghcr.io/team" }],
    ["* = docker.io", { prefix: "", origin: "docker.io" }],
    ["docker.io", { prefix: "", origin: "docker.io" }],
  ])("reads %s", (line, rule) => {
    expect(readOrigin(line)).toEqual(rule);
  });

  it("takes a pace that can be kept", () => {
    expect(["20", "0.1", " 5 "].map(paceMistake)).toEqual(["", "", ""]);
    expect(["", "0", "fast", "5000"].every((text) => paceMistake(text))).toBe(true);
  });
});

describe("a registry's standing", () => {
  it("says how far it is trusted", () => {
    expect(trustOf(REGISTRY)).toBe("Trusted");
    expect(trustOf({ ...REGISTRY, untrusted_repositories: ["x/*"] })).toBe("Partly trusted");
    expect(trustOf({ ...REGISTRY, trusted: false, untrusted_repositories: ["x/*"] })).toBe("Untrusted");
  });

  it("says how much it is asked", () => {
    expect(describePace({ images: 12_000, checks_per_second: 20 })).toBe(
      "12,000 images, at most 20 a second; a round of all takes 10 min",
    );
    expect(describePace({ images: 1, checks_per_second: 20 })).toBe("1 image, at most 20 a second");
    expect(describeTraffic(REGISTRY)).toBe("1,204 requests sent, 480 kB received");
  });

  it("says what came of its webhooks", () => {
    expect(describeWebhooks(REGISTRY)).toBe("Not set up");
    const set = { ...REGISTRY, webhook_created_at: "2026-01-01T00:00:00Z", webhooks_accepted: 12 };
    expect(describeWebhooks(set)).toBe("12 taken");
    expect(describeWebhooks({ ...set, webhooks_refused: 1 })).toBe("12 taken, 1 refused");
  });

  it("reads the Markdown of instructions", () => {
    expect(readMarkdown("Open **Settings** and enter `https://x`.")).toEqual([
      { kind: "plain", text: "Open " },
      { kind: "strong", text: "Settings" },
      { kind: "plain", text: " and enter " },
      { kind: "code", text: "https://x" },
      { kind: "plain", text: "." },
    ]);
  });
});
