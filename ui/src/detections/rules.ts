import type { RuleRow, Severity } from "../api/generated/types.gen";

/** Rules by what they are worth, and then by name. */
export function worstFirst(rules: readonly RuleRow[], severities: readonly Severity[]): readonly RuleRow[] {
  const rank = (rule: RuleRow) => severities.indexOf(rule.severity);
  return [...rules].sort((one, other) => rank(one) - rank(other) || one.id.localeCompare(other.id));
}

/** What somebody who writes a first rule begins with. */
export const FIRST_SOURCE = `id = "my-rule"
title = "What is said when it matches"
description = "What it looks for, and why that matters."
severity = "High"
tactic = "Execution"
techniques = ["T1059"]
kinds = ["executed"]
recommendation = "What whoever is told should do next."

[condition]
all = [
    { field = "process.programs", in = ["nc", "ncat"] },
    { not = { field = "process.path", under = "/opt/tools" } },
]

[[sample]]
says = "a netcat"
matches = true
kind = "executed"
process = { name = "nc", path = "/bin/nc", arguments = ["nc", "-l"] }
`;
