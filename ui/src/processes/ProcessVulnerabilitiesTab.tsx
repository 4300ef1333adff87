import { Label } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { listProcessVulnerabilitiesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ProcessDetail, ProcessFinding } from "../api/generated/types.gen";
import { ApplicabilityLabel } from "../facts/ApplicabilityLabel";
import { ExploitedLabel } from "../facts/ExploitedLabel";
import { InUse } from "../facts/InUse";
import { SeverityMark } from "../facts/Severity";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";

const COLUMNS: readonly Column<ProcessFinding>[] = [
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
        <ExploitedLabel exploitation={row.exploitation} />
      </>
    ),
  },
  { title: "CVSS", isNarrow: true, cell: (row) => row.cvss_score?.toFixed(1) ?? "–" },
  { title: "Package", width: 15, cell: (row) => row.package },
  { title: "Version", isNarrow: true, cell: (row) => row.version },
  { title: "Fix Version", isNarrow: true, cell: (row) => row.fix_version || <span className="dl-subtle">None</span> },
  { title: "Applicability", cell: (row) => <ApplicabilityLabel applicability={row.applicability} /> },
  { title: "Seen in use", width: 20, cell: (row) => <InUse grade={row.grade} path={row.evidence_path} /> },
];

/** Vulnerabilities of the packages a process was seen to use. */
export function ProcessVulnerabilitiesTab({ process }: { process: ProcessDetail }) {
  const path = { image_tag_id: process.image_tag_id, program_id: process.program_id };
  const { data, error, refetch } = useQuery(listProcessVulnerabilitiesOptions({ path }));
  if (error && !data) {
    return <Failure subject="the vulnerabilities" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Vulnerabilities"
      searchLabel="Search by CVE, package or severity"
      columns={COLUMNS}
      rows={data}
      rowKey={(row) => `${row.vulnerability} ${row.package} ${row.version}`}
      textOf={(row) => [row.vulnerability, row.package, row.severity, row.summary].join(" ")}
      empty={
        <NothingYet title="No vulnerability is known">
          {process.severities === null
            ? "Nobody could look into its image yet."
            : "None of the packages this process was seen to use has a known vulnerability. Others of its image may."}
        </NothingYet>
      }
    />
  );
}
