import type { ClusterRow, Scanner, ScannerCoverage } from "../api/generated/types.gen";

export const MAX_RETENTION_DAYS = 1000;

/** What the dialog holds while it is filled in. */
export interface ScanDraft {
  scanners: readonly Scanner[];
  retentionDays: number;
}

/**
 * What the dialog starts with: the configuration of the cluster, or of the first of several, which all of them will
 * have once it is applied.
 */
export function draftOf([first]: readonly ClusterRow[]): ScanDraft {
  return {
    scanners: first?.configuration.scanners ?? [],
    retentionDays: first?.configuration.retention_days ?? 90,
  };
}

/** Whether these clusters are configured differently now. */
export function differ(clusters: readonly ClusterRow[]): boolean {
  const shapes = clusters.map(({ configuration: { scanners, retention_days: days } }) => `${scanners} ${days}`);
  return new Set(shapes).size > 1;
}

/** What is wrong with the days; empty when nothing is. */
export function retentionMistake(days: number): string {
  const isRight = Number.isInteger(days) && days >= 1 && days <= MAX_RETENTION_DAYS;
  return isRight ? "" : `Whole days, from 1 to ${MAX_RETENTION_DAYS}.`;
}

/** What full coverage needs and this leaves off. */
export function missingCore({ scanners }: ScanDraft, known: readonly ScannerCoverage[]): string[] {
  return known.filter(({ scanner, is_core }) => is_core && !scanners.includes(scanner)).map(({ label }) => label);
}

/** Switches a group on as a whole, or off where all of it was on. */
export function toggleGroup({ scanners, ...rest }: ScanDraft, group: readonly Scanner[]): ScanDraft {
  const isOn = group.every((scanner) => scanners.includes(scanner));
  const others = scanners.filter((scanner) => !group.includes(scanner));
  return { ...rest, scanners: isOn ? others : [...others, ...group] };
}
