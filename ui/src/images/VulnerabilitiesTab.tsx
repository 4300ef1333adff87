import {
  Button,
  Drawer,
  DrawerContent,
  DrawerContentBody,
  Label,
  ToolbarGroup,
  ToolbarItem,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { listImageTagVulnerabilitiesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { FindingRow, ImageFindings, ImageTagDetail } from "../api/generated/types.gen";
import { APPLICABILITY_NAMES, ApplicabilityLabel } from "../facts/ApplicabilityLabel";
import { CoverageNote } from "../facts/CoverageNote";
import { ExploitedLabel } from "../facts/ExploitedLabel";
import { percent } from "../facts/exploitation";
import { InUse } from "../facts/InUse";
import { SeverityMark } from "../facts/Severity";
import { SEVERITIES } from "../facts/severities";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { CheckboxSelect } from "../table/CheckboxSelect";
import type { Column } from "../table/DataTable";
import type { Option } from "../table/OneSelect";
import { SearchableTable } from "../table/SearchableTable";
import { type Filters, useFilters } from "../table/useFilters";
import { CutNote } from "./CutNote";
import { FindingPanel } from "./FindingPanel";
import { FINDING_FILTERS, type FindingFilter, isLeft, OPEN, summariseFindings } from "./findings";
import { NotScanned } from "./NotScanned";

/** What is known to be vulnerable in the image, one vulnerability beside it on demand. */
export function VulnerabilitiesTab({ image }: { image: ImageTagDetail }) {
  const [parameters, setParameters] = useSearchParams();
  const open = parameters.get(OPEN);
  const go = (vulnerability: string | null) => {
    const changed = new URLSearchParams(parameters);
    changed.delete(OPEN);
    if (vulnerability) {
      changed.set(OPEN, vulnerability);
    }
    setParameters(changed, { replace: true, preventScrollReset: true });
  };
  return (
    <Drawer isExpanded={open !== null}>
      <DrawerContent
        panelContent={
          open && <FindingPanel key={open} imageTagId={image.id} vulnerability={open} close={() => go(null)} />
        }
      >
        <DrawerContentBody>
          <Findings image={image} open={open} go={go} />
        </DrawerContentBody>
      </DrawerContent>
    </Drawer>
  );
}

interface FindingsProps {
  image: ImageTagDetail;
  open: string | null;
  go: (vulnerability: string) => void;
}

function Findings({ image, open, go }: FindingsProps) {
  const { data, error, refetch } = useQuery(listImageTagVulnerabilitiesOptions({ path: { image_tag_id: image.id } }));
  const filters = useFilters(FINDING_FILTERS);
  if (error && !data) {
    return <Failure subject="the vulnerabilities" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Vulnerabilities"
      searchLabel="Search by CVE or component"
      columns={findingColumns(go)}
      rows={data?.vulnerabilities.filter((row) => isLeft(row, filters.chosen))}
      rowKey={(row) => `${row.vulnerability} ${row.package_id}`}
      isSelected={(row) => row.vulnerability === open}
      textOf={(row) => [row.vulnerability, ...row.aliases, row.package, row.severity, row.summary].join(" ")}
      filters={<FindingFilters filters={filters} />}
      isFiltered={filters.isActive}
      clearFilters={filters.clear}
      note={data && <Summary findings={data} />}
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

function Summary({ findings }: { findings: ImageFindings }) {
  const { vulnerabilities, total } = findings;
  if (total > vulnerabilities.length) {
    return <CutNote shown={vulnerabilities.length} total={total} what="findings, the gravest first" />;
  }
  return (
    <>
      {summariseFindings(vulnerabilities)}
      {vulnerabilities.some((row) => row.grade === null) && (
        <div>
          <CoverageNote coverage={findings.coverage} />
        </div>
      )}
    </>
  );
}

function findingColumns(go: (vulnerability: string) => void): readonly Column<FindingRow>[] {
  return [
    { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
    { title: "CVSS v3", isNarrow: true, cell: (row) => row.cvss_score?.toFixed(1) ?? "–" },
    { title: "EPSS", isNarrow: true, cell: (row) => (row.epss ? percent(row.epss.probability) : "–") },
    { title: "ID", isNarrow: true, cell: (row) => <Identifier row={row} go={go} /> },
    {
      title: "Contextual Analysis",
      isNarrow: true,
      cell: (row) => <ApplicabilityLabel applicability={row.applicability} />,
    },
    {
      title: "Component",
      width: 20,
      cell: (row) => (
        <>
          {row.package} <span className="dl-subtle dl-break">{row.version}</span>
        </>
      ),
    },
    { title: "Fix Version", width: 15, cell: (row) => row.fix_version || <span className="dl-subtle">None</span> },
    {
      title: "In use",
      width: 20,
      cell: (row) => <InUse grade={row.grade} path={row.evidence_path} process={row.evidence_process} />,
    },
  ];
}

function Identifier({ row, go }: { row: FindingRow; go: (vulnerability: string) => void }) {
  return (
    <>
      <span className="dl-nowrap">
        <Button variant="link" isInline onClick={() => go(row.vulnerability)}>
          {row.vulnerability}
        </Button>
      </span>
      {row.malicious && (
        <div>
          <Label isCompact color="red">
            Malicious package
          </Label>
        </div>
      )}
      <ExploitedLabel exploitation={row.exploitation} />
    </>
  );
}

const OPTIONS: Record<FindingFilter, { label: string; options: readonly Option[] }> = {
  severity: { label: "Severity", options: SEVERITIES.map((value) => ({ value, label: value })) },
  applicability: {
    label: "Contextual Analysis",
    options: Object.entries(APPLICABILITY_NAMES).map(([value, label]) => ({ value, label })),
  },
  exploited: {
    label: "Exploitation",
    options: [
      { value: "yes", label: "Known to be exploited" },
      { value: "no", label: "Not known to be exploited" },
    ],
  },
  fix: {
    label: "Fix Version",
    options: [
      { value: "yes", label: "Fix available" },
      { value: "no", label: "No fix" },
    ],
  },
  validated: {
    label: "In use",
    options: [
      { value: "yes", label: "Validated in runtime" },
      { value: "no", label: "Not seen in use" },
    ],
  },
};

function FindingFilters({ filters }: { filters: Filters }) {
  return (
    <ToolbarGroup variant="filter-group">
      {FINDING_FILTERS.map((name) => (
        <ToolbarItem key={name}>
          <CheckboxSelect
            label={OPTIONS[name].label}
            options={OPTIONS[name].options}
            chosen={filters.chosen(name)}
            toggle={(value) => filters.toggle(name, value)}
          />
        </ToolbarItem>
      ))}
    </ToolbarGroup>
  );
}
