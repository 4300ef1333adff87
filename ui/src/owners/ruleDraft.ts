import type { RuleIn, RuleOut } from "../api/generated/types.gen";

type Key = "cluster" | "namespace" | "repository" | "label" | "team" | "person" | "email" | "slack" | "on_call";

/** A rule as its form holds it. */
export type RuleDraft = Record<Key, string> & { demonstration: boolean };

export const NEW_RULE: RuleDraft = {
  cluster: "",
  namespace: "",
  repository: "",
  label: "",
  team: "",
  person: "",
  email: "",
  slack: "",
  on_call: "",
  demonstration: false,
};

const KEYS = Object.keys(NEW_RULE).filter((key): key is Key => key !== "demonstration");

/** What a form on a rule starts with. */
export function draftOf(rule: RuleOut): RuleDraft {
  const texts = KEYS.map((key) => [key, rule[key] ?? ""] as const);
  return { ...NEW_RULE, ...Object.fromEntries(texts), demonstration: rule.demonstration ?? false };
}

/** What is sent to the service. */
export function bodyOf(draft: RuleDraft): RuleIn {
  const texts = KEYS.map((key) => [key, draft[key].trim()] as const);
  return { ...Object.fromEntries(texts), demonstration: draft.demonstration };
}

/** Whether a rule names anybody; the service refuses one that does not. */
export function namesSomebody(draft: RuleDraft): boolean {
  return [draft.team, draft.person, draft.email].some((text) => text.trim());
}

const PATTERNS = [
  ["cluster", "cluster"],
  ["namespace", "namespace"],
  ["repository", "repository"],
  ["label", "label"],
] as const;

/** What a rule is about, pattern by pattern; empty for a rule about everything. */
export function patternsOf(rule: RuleOut): { name: string; pattern: string }[] {
  return PATTERNS.flatMap(([key, name]) => (rule[key] ? [{ name, pattern: rule[key] }] : []));
}

/** The ids with one of them moved by so many places, within the list. */
export function moved(ids: readonly number[], id: number, places: number): number[] {
  const from = ids.indexOf(id);
  const to = Math.min(Math.max(from + places, 0), ids.length - 1);
  const rest = ids.filter((item) => item !== id);
  return from < 0 ? [...ids] : [...rest.slice(0, to), id, ...rest.slice(to)];
}

/** Labels written as `key=value`, one on each line or with commas between them; what is not one is left out. */
export function parseLabels(text: string): Record<string, string> {
  const pairs = text.split(/[\n,]/).map((part) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(part));
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1] ?? "", pair[2] ?? ""]] : [])));
}
