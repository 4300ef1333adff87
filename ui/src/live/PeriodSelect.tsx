import type { TimePeriod } from "../api/generated/types.gen";
import { OneSelect } from "../table/OneSelect";
import { PERIODS } from "./liveQuery";

const OPTIONS = Object.entries(PERIODS).map(([value, label]) => ({ value, label }));

/** What a list is of: what runs now, or ran within a period. */
export function PeriodSelect({ chosen, choose }: { chosen: TimePeriod; choose: (period: TimePeriod) => void }) {
  return <OneSelect label="Period" options={OPTIONS} chosen={chosen} choose={(value) => choose(value as TimePeriod)} />;
}
