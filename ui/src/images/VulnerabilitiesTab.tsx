import { Content, DescriptionList, Label, List, ListItem } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { listImageTagVulnerabilitiesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { FindingRow, ImageTagDetail } from "../api/generated/types.gen";
import { ApplicabilityLabel } from "../facts/ApplicabilityLabel";
import { Fact } from "../facts/Fact";
import { InUse } from "../facts/InUse";
import { SeverityMark } from "../facts/Severity";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { NotScanned } from "./NotScanned";

const COLUMNS: readonly Column<FindingRow>[] = [
  { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
  {
    title: "CVE",
    isNarrow: true,
    cell: (row) => (
      <>
        {row.vulnerability}
        {row.malicious && (
          <div>
            <Label isCompact color="red">
              Malicious package
            </Label>
          </div>
        )}
      </>
    ),
  },
  { title: "CVSS", isNarrow: true, cell: (row) => row.cvss_score?.toFixed(1) ?? "–" },
  { title: "Package", width: 15, cell: (row) => row.package },
  { title: "Version", isNarrow: true, cell: (row) => row.version },
  { title: "Fix Version", isNarrow: true, cell: (row) => row.fix_version || <span className="dl-subtle">None</span> },
  { title: "Applicability", cell: (row) => <ApplicabilityLabel applicability={row.applicability} /> },
  {
    title: "Validated in runtime",
    width: 20,
    cell: (row) => <InUse grade={row.grade} path={row.evidence_path} />,
  },
];

export function VulnerabilitiesTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagVulnerabilitiesOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the vulnerabilities" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Vulnerabilities"
      searchLabel="Search by CVE, package or severity"
      columns={COLUMNS}
      rows={data}
      rowKey={(row) => `${row.vulnerability} ${row.ecosystem} ${row.package} ${row.version}`}
      textOf={(row) => [row.vulnerability, ...row.aliases, row.package, row.severity, row.summary].join(" ")}
      details={(row) => <FindingDetails finding={row} />}
      empty={
        image.severities === null ? (
          <NotScanned image={image} />
        ) : (
          <NothingYet title="No vulnerability is known">
            None of the packages found in this image has a known vulnerability in the advisories that were imported.
          </NothingYet>
        )
      }
    />
  );
}

function FindingDetails({ finding }: { finding: FindingRow }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Summary">{finding.summary || "The advisory has none."}</Fact>
      <Fact name="Applicability">
        <Content component="p">{finding.applicability_reason || UNEXPLAINED}</Content>
        <List isPlain>
          {finding.applicability_evidence.map((evidence) => (
            <ListItem key={JSON.stringify(evidence)}>
              <code className="dl-break">{describeEvidence(evidence)}</code>
            </ListItem>
          ))}
        </List>
      </Fact>
      {finding.cvss_vector && (
        <Fact name="CVSS vector">
          <code className="dl-break">{finding.cvss_vector}</code>
        </Fact>
      )}
      <Fact name="Ecosystem">{finding.ecosystem}</Fact>
      {finding.aliases.length > 0 && <Fact name="Also known as">{finding.aliases.join(", ")}</Fact>}
      <Fact name="Advisories">
        {finding.advisories.map((advisory) => (
          <div key={advisory}>
            <AdvisoryName advisory={advisory} />
          </div>
        ))}
      </Fact>
    </DescriptionList>
  );
}

/** Where to read an advisory; those of the demonstration are nowhere else. */
function AdvisoryName({ advisory }: { advisory: string }) {
  if (advisory.startsWith("DEMO-")) {
    return advisory;
  }
  return (
    <a href={`https://osv.dev/vulnerability/${encodeURIComponent(advisory)}`} target="_blank" rel="noreferrer">
      {advisory}
    </a>
  );
}

const UNEXPLAINED = "No rule of contextual analysis covers this vulnerability in this package.";

function describeEvidence(evidence: FindingRow["applicability_evidence"][number]): string {
  const { path, line, call, rule_id: rule, ...others } = evidence;
  if (path === undefined || call === undefined) {
    return JSON.stringify(evidence);
  }
  const rest = Object.entries({ rule, ...others })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`);
  return [`${path}${line === undefined ? "" : `:${line}`} calls ${call}`, ...rest].join(", ");
}
