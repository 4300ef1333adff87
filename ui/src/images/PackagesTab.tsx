import { Button, DescriptionList, ToolbarGroup, ToolbarItem } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useQuery } from "@tanstack/react-query";
import { listImageTagPackagesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, PackageRow } from "../api/generated/types.gen";
import { CoverageNote } from "../facts/CoverageNote";
import { describeEvidence } from "../facts/evidence";
import { Fact } from "../facts/Fact";
import { InUse } from "../facts/InUse";
import { Moment } from "../facts/Moment";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { CheckboxSelect } from "../table/CheckboxSelect";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { type Filters, useFilters } from "../table/useFilters";
import { CutNote } from "./CutNote";
import { NotScanned } from "./NotScanned";

const COLUMNS: readonly Column<PackageRow>[] = [
  { title: "Name", width: 25, cell: (row) => row.name },
  { title: "Version", width: 20, cell: (row) => row.version },
  { title: "Ecosystem", isNarrow: true, cell: (row) => row.ecosystem },
  { title: "Vulnerabilities", isNarrow: true, cell: (row) => row.vulnerabilities },
  {
    title: "In use",
    width: 25,
    cell: (row) => (
      <InUse grade={row.grade} path={row.evidence_path} process={row.evidence_process} readByTool={row.read_by_tool} />
    ),
  },
  { title: "Owned by", cell: (row) => row.owned_by || <span className="dl-subtle">Itself</span> },
];

const FILTERS = ["ecosystem", "used"] as const;

export function PackagesTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagPackagesOptions({ path: { image_tag_id: image.id } }));
  const filters = useFilters(FILTERS);
  if (error && !data) {
    return <Failure subject="the packages" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Packages"
      searchLabel="Search by name, version or ecosystem"
      columns={COLUMNS}
      rows={data?.packages.filter((row) => isLeft(row, filters))}
      rowKey={(row) => `${row.id} ${row.location}`}
      textOf={(row) => `${row.name} ${row.version} ${row.ecosystem}`}
      details={(row) => <PackageDetails row={row} />}
      filters={<PackageFilters filters={filters} packages={data?.packages ?? []} imageTagId={image.id} />}
      isFiltered={filters.isActive}
      clearFilters={filters.clear}
      note={
        data && (
          <>
            <CoverageNote coverage={data.coverage} />
            <CutNote shown={data.packages.length} total={data.total} what="packages" />
          </>
        )
      }
      empty={
        image.severities === null ? (
          <NotScanned image={image} />
        ) : (
          <NothingYet title="No packages found">
            The scanner knows no package in this image: it holds single files, or an ecosystem the scanner does not
            read.
          </NothingYet>
        )
      }
    />
  );
}

function isLeft(row: PackageRow, { chosen }: Filters): boolean {
  const [ecosystems, used] = [chosen("ecosystem"), chosen("used")];
  return (
    (ecosystems.length === 0 || ecosystems.includes(row.ecosystem)) &&
    (used.length === 0 || used.includes(row.grade === null ? "no" : "yes"))
  );
}

interface PackageFiltersProps {
  filters: Filters;
  packages: readonly PackageRow[];
  imageTagId: number;
}

function PackageFilters({ filters, packages, imageTagId }: PackageFiltersProps) {
  const ecosystems = [...new Set([...packages.map((row) => row.ecosystem), ...filters.chosen("ecosystem")])].sort();
  return (
    <ToolbarGroup variant="filter-group">
      <ToolbarItem>
        <CheckboxSelect
          label="Ecosystem"
          options={ecosystems.map((value) => ({ value, label: value }))}
          chosen={filters.chosen("ecosystem")}
          toggle={(value) => filters.toggle("ecosystem", value)}
        />
      </ToolbarItem>
      <ToolbarItem>
        <CheckboxSelect
          label="In use"
          options={USED}
          chosen={filters.chosen("used")}
          toggle={(value) => filters.toggle("used", value)}
        />
      </ToolbarItem>
      <ToolbarItem>
        <Button
          variant="link"
          icon={<DownloadIcon />}
          component="a"
          href={`/api/v1/image-tags/${imageTagId}/sbom`}
          download
        >
          Export SBOM (CycloneDX)
        </Button>
      </ToolbarItem>
    </ToolbarGroup>
  );
}

const USED = [
  { value: "yes", label: "Seen in use" },
  { value: "no", label: "Not seen in use" },
];

/** Begins the location of a package that an SBOM states; the document's digest follows. */
const STATED = "sbom:";

function isOnlyStated(row: PackageRow): boolean {
  return row.location.startsWith(STATED);
}

function PackageDetails({ row }: { row: PackageRow }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Package URL">
        <code className="dl-break">{row.purl}</code>
      </Fact>
      <Fact name="Found in">
        {isOnlyStated(row) ? (
          "No file of the image: only an attached SBOM says that it is there"
        ) : (
          <code className="dl-break">{row.location}</code>
        )}
      </Fact>
      {row.layer_digest && (
        <Fact name="Layer">
          <code className="dl-break">{row.layer_digest}</code>
        </Fact>
      )}
      {row.stated_by.length > 0 && (
        <Fact name="Stated by SBOM">
          {row.stated_by.map((document) => (
            <code key={document} className="dl-break">
              {document.replace(STATED, "")}
            </code>
          ))}
        </Fact>
      )}
      {row.first_seen_running_at && (
        <Fact name="Seen in use">
          from <Moment at={row.first_seen_running_at} /> to <Moment at={row.last_seen_running_at} />
          <div className="dl-subtle dl-break">{describeEvidence(row)}</div>
        </Fact>
      )}
    </DescriptionList>
  );
}
