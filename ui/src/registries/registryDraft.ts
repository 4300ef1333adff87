import type { OriginRule, RegistryIn, RegistryOut, RegistryTypeOut, ScanWith } from "../api/generated/types.gen";
import { joinLines, splitLines } from "../forms/lines";

/** A registry as its form holds it: lists are texts with an entry on each line. */
export interface RegistryDraft {
  host: string;
  name: string;
  /** The key of its type; empty: what its host tells. */
  type: string;
  /** Settings of its type by name. Secret ones are empty where the stored ones are to stay. */
  options: Record<string, string>;
  /** Where the findings of its images come from. */
  scanWith: ScanWith;
  url: string;
  mirrors: string;
  username: string;
  /** Empty: none for a new registry, the stored one for another. */
  password: string;
  verifyTls: boolean;
  trusted: boolean;
  trustedRepositories: string;
  untrustedRepositories: string;
  /** `prefix = origin` on each line. */
  origins: string;
  checksPerSecond: string;
  mutableTags: string;
  immutableTags: string;
  demonstration: boolean;
}

export const NEW_REGISTRY: RegistryDraft = {
  host: "",
  name: "",
  type: "",
  options: {},
  scanWith: "deadlight",
  url: "",
  mirrors: "",
  username: "",
  password: "",
  verifyTls: true,
  trusted: true,
  trustedRepositories: "",
  untrustedRepositories: "",
  origins: "",
  checksPerSecond: "20",
  mutableTags: "",
  immutableTags: "",
  demonstration: false,
};

/** What a form on a registry starts with. */
export function draftOf(registry: RegistryOut): RegistryDraft {
  return {
    host: registry.host,
    name: registry.name === registry.host ? "" : registry.name,
    type: registry.type,
    options: registry.options,
    scanWith: registry.scan_with,
    url: registry.url,
    mirrors: joinLines(registry.mirrors),
    username: registry.username,
    password: "",
    verifyTls: registry.verify_tls,
    trusted: registry.trusted,
    trustedRepositories: joinLines(registry.trusted_repositories),
    untrustedRepositories: joinLines(registry.untrusted_repositories),
    origins: joinLines(registry.origins.map(({ prefix, origin }) => `${prefix || "*"} = ${origin}`)),
    checksPerSecond: String(registry.checks_per_second),
    mutableTags: joinLines(registry.mutable_tags),
    immutableTags: joinLines(registry.immutable_tags),
    demonstration: registry.demonstration,
  };
}

/** What is sent to the service. */
export function bodyOf(draft: RegistryDraft, types: readonly RegistryTypeOut[]): RegistryIn {
  const type = typeOf(draft, types);
  const names = type?.options.map(({ name }) => name) ?? [];
  return {
    host: draft.host.trim(),
    name: draft.name.trim(),
    type: draft.type,
    options: Object.fromEntries(names.map((name) => [name, (draft.options[name] ?? "").trim()])),
    scan_with: type?.scanner ? draft.scanWith : "deadlight",
    url: draft.url.trim(),
    mirrors: splitLines(draft.mirrors),
    username: draft.username.trim(),
    password: draft.password || null,
    verify_tls: draft.verifyTls,
    trusted: draft.trusted,
    trusted_repositories: splitLines(draft.trustedRepositories),
    untrusted_repositories: splitLines(draft.untrustedRepositories),
    origins: splitLines(draft.origins).map(readOrigin),
    checks_per_second: Number(draft.checksPerSecond),
    mutable_tags: splitLines(draft.mutableTags),
    immutable_tags: splitLines(draft.immutableTags),
    demonstration: draft.demonstration,
  };
}

/** `hub = docker.io`; `*` stands for the whole registry, as does nothing. */
export function readOrigin(line: string): OriginRule {
  const [prefix = "", ...rest] = line.split("=");
  const origin = rest.join("=").trim();
  return origin ? { prefix: trimPath(prefix), origin } : { prefix: "", origin: line.trim() };
}

function trimPath(prefix: string): string {
  return prefix.trim().replace(/^[/*]+|[/*]+$/g, "");
}

/** The type that is chosen, or that the host tells where none is. */
export function typeOf(
  draft: Pick<RegistryDraft, "type" | "host">,
  types: readonly RegistryTypeOut[],
): RegistryTypeOut | undefined {
  return draft.type ? types.find(({ key }) => key === draft.type) : guessType(draft.host, types);
}

function guessType(host: string, types: readonly RegistryTypeOut[]): RegistryTypeOut | undefined {
  const wanted = host.trim().toLowerCase();
  return types.find(({ hosts }) => hosts.some((pattern) => fits(wanted, pattern))) ?? types[0];
}

function fits(host: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(host);
}

/** What is wrong with the pace as entered; empty where nothing is. */
export function paceMistake(text: string): string {
  const pace = Number(text);
  return text.trim() && pace >= 0.1 && pace <= 1000 ? "" : "A number from 0.1 to 1000.";
}
