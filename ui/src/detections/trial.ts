import type { RuleDryRun } from "../api/generated/types.gen";

/** In one line: how much of what was reported a rule matches. */
export function describeTrial({ sources }: Pick<RuleDryRun, "sources">): string {
  const sum = (of: "matches" | "perhaps" | "looked_at") => sources.reduce((total, source) => total + source[of], 0);
  const more = sources.every(({ complete }) => complete) ? "" : " or more";
  return `It matches ${sum("matches")} and perhaps ${sum("perhaps")} of ${sum("looked_at")}${more} different records`;
}
