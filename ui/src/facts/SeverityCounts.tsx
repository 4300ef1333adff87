import { countsBySeverity, severityColor } from "./severities";

const SHOWN_SEVERITIES = 2;

interface SeverityCountsProps {
  /** null: nobody has looked yet. */
  severities: Record<string, number> | null;
  /** What they are of, in a line below. */
  note?: string;
}

/** How many vulnerabilities something has and how grave they are. */
export function SeverityCounts({ severities, note }: SeverityCountsProps) {
  if (severities === null) {
    return <None text="Not scanned" note={note} />;
  }
  const counts = countsBySeverity(severities);
  const texts = counts.map(([severity, count]) => `${count} ${severity}`);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) {
    return <None text="None known" note={note} />;
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
      {note && <span className="dl-severity-counts__worst">{note}</span>}
    </div>
  );
}

function None({ text, note }: { text: string; note: string | undefined }) {
  return (
    <div className="dl-subtle">
      {text}
      {note && <div>{note}</div>}
    </div>
  );
}
