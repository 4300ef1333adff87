import { DescriptionList } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { listImageTagPackagesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, PackageRow } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { InUse } from "../facts/InUse";
import { Moment } from "../facts/Moment";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { NotScanned } from "./NotScanned";

const COLUMNS: readonly Column<PackageRow>[] = [
  { title: "Name", width: 25, cell: (row) => row.name },
  { title: "Version", width: 20, cell: (row) => row.version },
  { title: "Ecosystem", isNarrow: true, cell: (row) => row.ecosystem },
  { title: "Vulnerabilities", isNarrow: true, cell: (row) => row.vulnerabilities },
  {
    title: "In use",
    width: 25,
    cell: (row) => <InUse grade={row.grade} path={row.evidence_path} process={row.evidence_process} />,
  },
  { title: "Owned by", cell: (row) => row.owned_by || <span className="dl-subtle">Itself</span> },
];

export function PackagesTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagPackagesOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the packages" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Packages"
      searchLabel="Search by name, version or ecosystem"
      columns={COLUMNS}
      rows={data}
      rowKey={(row) => `${row.id} ${row.location}`}
      textOf={(row) => `${row.name} ${row.version} ${row.ecosystem}`}
      details={(row) => <PackageDetails row={row} />}
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

function PackageDetails({ row }: { row: PackageRow }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Package URL">
        <code className="dl-break">{row.purl}</code>
      </Fact>
      <Fact name="Found in">
        <code className="dl-break">{row.location}</code>
      </Fact>
      <Fact name="Layer">
        <code className="dl-break">{row.layer_digest}</code>
      </Fact>
      {row.first_seen_running_at && (
        <Fact name="First seen in use">
          <Moment at={row.first_seen_running_at} />
        </Fact>
      )}
    </DescriptionList>
  );
}
