import { countsBySeverity, severityColor } from "./severities";

const SHOWN_SEVERITIES = 2;

/** How many vulnerabilities an image has and how grave they are; null: nobody has looked yet. */
export function SeverityCounts({ severities }: { severities: Record<string, number> | null }) {
  if (severities === null) {
    return <span className="dl-subtle">Not scanned</span>;
  }
  const counts = countsBySeverity(severities);
  const texts = counts.map(([severity, count]) => `${count} ${severity}`);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) {
    return <span className="dl-subtle">None known</span>;
  }
  return (
    <div className="dl-severity-counts" title={texts.join(", ")}>
      <span className="dl-severity-counts__total">{total}</span>
      <span className="dl-severity-counts__bar" aria-hidden>
        {counts.map(([severity, count]) => (
          <span key={severity} style={{ flexGrow: count, backgroundColor: severityColor(severity) }} />
        ))}
      </span>
      <span className="dl-severity-counts__worst">
        {texts.slice(0, SHOWN_SEVERITIES).join(", ")}
        <span className="pf-v6-screen-reader">{texts.slice(SHOWN_SEVERITIES).map((text) => `, ${text}`)}</span>
      </span>
    </div>
  );
}
