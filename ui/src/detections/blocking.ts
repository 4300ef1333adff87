import type { BlockingIn, BlockingMode, BlockingOut } from "../api/generated/types.gen";

export const MODE_NAMES: Record<BlockingMode, string> = { off: "Off", audit: "Audit", enforce: "Enforce" };

/** What the dialog holds while it is filled in. */
export interface BlockingDraft {
  mode: BlockingMode;
  drift: boolean;
  mismatch: boolean;
  /** Patterns with spaces or commas between them. */
  included: string;
  excluded: string;
  unproven: boolean;
}

/** What the dialog starts with. */
export function draftOf(policy: BlockingOut): BlockingDraft {
  const { mode, drift, mismatch, included, excluded } = policy;
  return { mode, drift, mismatch, included: included.join(" "), excluded: excluded.join(" "), unproven: false };
}

/** What the service is given. */
export function bodyOf({ included, excluded, ...rest }: BlockingDraft): BlockingIn {
  return { ...rest, included: patterns(included), excluded: patterns(excluded) };
}

function patterns(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

/** Why a draft cannot be applied; empty where it can. */
export function mistakeIn(draft: BlockingDraft): string {
  return draft.mode !== "off" && !draft.drift && !draft.mismatch ? "Choose what is to be stopped." : "";
}

/** Whether what a draft enforces has not been in audit for long enough: the reader has to say that they know. */
export function needsProof(policy: BlockingOut, draft: BlockingDraft): boolean {
  if (draft.mode !== "enforce") {
    return false;
  }
  const { included, excluded } = bodyOf(draft);
  const isSame =
    draft.drift === policy.drift &&
    draft.mismatch === policy.mismatch &&
    sameSet(included ?? [], policy.included) &&
    sameSet(excluded ?? [], policy.excluded);
  return !isSame || (policy.mode !== "enforce" && policy.objection !== "");
}

/** What audit would have stopped, in a sentence. */
export function auditedSoFar(policy: BlockingOut): string {
  const { would_block_programs: programs, would_block_times: times } = policy;
  const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  return `Audit would have stopped ${atLeast(policy)}${counted(programs, "program")} so far, ${counted(times, "time")}`;
}

/** What stands before a policy's counts: of what was detected before it began, only a week can be counted. */
export function atLeast(policy: BlockingOut): string {
  return policy.is_counted_whole ? "" : "at least ";
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === new Set(other).size && one.every((item) => other.includes(item));
}
