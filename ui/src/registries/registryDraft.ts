import type { RegistryIn, RegistryOut } from "../api/generated/types.gen";
import { joinLines, splitLines } from "../forms/lines";

/** A registry as its form holds it: lists are texts with an entry on each line. */
export interface RegistryDraft {
  host: string;
  name: string;
  url: string;
  mirrors: string;
  username: string;
  /** Empty: none for a new registry, the stored one for another. */
  password: string;
  verifyTls: boolean;
  trusted: boolean;
  mutableTags: string;
  immutableTags: string;
  demonstration: boolean;
}

export const NEW_REGISTRY: RegistryDraft = {
  host: "",
  name: "",
  url: "",
  mirrors: "",
  username: "",
  password: "",
  verifyTls: true,
  trusted: true,
  mutableTags: "",
  immutableTags: "",
  demonstration: false,
};

/** What a form on a registry starts with. */
export function draftOf(registry: RegistryOut): RegistryDraft {
  return {
    host: registry.host,
    name: registry.name === registry.host ? "" : registry.name,
    url: registry.url,
    mirrors: joinLines(registry.mirrors),
    username: registry.username,
    password: "",
    verifyTls: registry.verify_tls,
    trusted: registry.trusted,
    mutableTags: joinLines(registry.mutable_tags),
    immutableTags: joinLines(registry.immutable_tags),
    demonstration: registry.demonstration,
  };
}

/** What is sent to the service. */
export function bodyOf(draft: RegistryDraft): RegistryIn {
  return {
    host: draft.host.trim(),
    name: draft.name.trim(),
    url: draft.url.trim(),
    mirrors: splitLines(draft.mirrors),
    username: draft.username.trim(),
    password: draft.password || null,
    verify_tls: draft.verifyTls,
    trusted: draft.trusted,
    mutable_tags: splitLines(draft.mutableTags),
    immutable_tags: splitLines(draft.immutableTags),
    demonstration: draft.demonstration,
  };
}
