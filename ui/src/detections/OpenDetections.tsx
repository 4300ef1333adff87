import { Link } from "react-router";
import type { Severity } from "../api/generated/types.gen";
import { SeverityMark } from "../facts/Severity";
import { countsBySeverity } from "../facts/severities";

interface OpenDetectionsProps {
  detections: Partial<Record<Severity, number>>;
  /** Where they are listed. */
  to: string;
}

/** How many detections are open, by the highest severity: that is what has to be looked at first. */
export function OpenDetections({ detections, to }: OpenDetectionsProps) {
  const counts = countsBySeverity(detections as Record<string, number>);
  const [worst, ...others] = counts;
  if (!worst) {
    return <span className="dl-subtle">None open</span>;
  }
  const [severity, count] = worst;
  const more = others.reduce((sum, [, number]) => sum + number, 0);
  return (
    <>
      <Link to={to} title={counts.map(([name, number]) => `${number} ${name}`).join(", ")}>
        <SeverityMark severity={severity}>
          {count} {severity}
        </SeverityMark>
      </Link>
      {more > 0 && <div className="dl-subtle">and {more} less severe</div>}
    </>
  );
}
