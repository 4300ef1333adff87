import type { DetectionRow, ExceptionIn } from "../api/generated/types.gen";
import { endOfDay, inDays } from "../forms/days";

/** An exception as it is entered. */
export interface ExceptionDraft {
  rule: string;
  cluster: string;
  namespace: string;
  workload: string;
  repository: string;
  program: string;
  reason: string;
  day: string;
}

/** What can be compared, in the order it is entered. */
export const PATTERNS = [
  { name: "rule", label: "Rule" },
  { name: "cluster", label: "Cluster" },
  { name: "namespace", label: "Namespace" },
  { name: "workload", label: "Workload" },
  { name: "repository", label: "Repository of the image" },
  { name: "program", label: "Program" },
] as const;

const USUAL_DAYS = 30;

/** A draft about nothing yet. */
export function newDraft(now: Date): ExceptionDraft {
  const empty = { rule: "", cluster: "", namespace: "", workload: "", repository: "", program: "" };
  return { ...empty, reason: "", day: inDays(now, USUAL_DAYS) };
}

/** A draft as narrow as a detection: the reader widens it where that is meant. */
export function draftFrom(detection: DetectionRow, now: Date): ExceptionDraft {
  const { rule, cluster, namespace, workload, repository, program } = detection;
  return { ...newDraft(now), rule, cluster, namespace, workload, repository, program };
}

/** Whether a draft is about less than everything. */
export function isNarrow(draft: ExceptionDraft): boolean {
  return PATTERNS.some(({ name }) => draft[name].replaceAll("*", "").trim() !== "");
}

/** What the service is given. */
export function bodyOf({ day, ...draft }: ExceptionDraft): ExceptionIn {
  return { ...draft, until: endOfDay(day).toISOString() };
}
