import type { FunnelOut, FunnelStage } from "../api/generated/types.gen";

/** A stage of the funnel as it is shown. */
export interface ShownStage extends FunnelStage {
  /** False where nothing can be counted: validation needs sensors. */
  isKnown: boolean;
  /** How much of the stage before is left, from 0 to 1; null for the first stage and where the one before is empty. */
  share: number | null;
}

const NEEDS_SENSORS = "validated_in_runtime";

/** The stages with what can be said about each. */
export function shownStages(funnel: FunnelOut): ShownStage[] {
  return funnel.stages.map((stage, index) => {
    const before = funnel.stages[index - 1]?.count ?? 0;
    return {
      ...stage,
      isKnown: stage.key !== NEEDS_SENSORS || funnel.installation_status === "full",
      share: before > 0 ? stage.count / before : null,
    };
  });
}

/** The indicators that say why the figures are incomplete, and what to do; none where they are complete. */
export function incompleteBy(funnel: FunnelOut): string[] {
  const indicators: [string, string][] = [
    ["Scan Status", funnel.scan_advice],
    ["Installation Status", funnel.installation_advice],
  ];
  return indicators.filter(([, advice]) => advice).map(([name]) => name);
}
