import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { listImageTagVulnerabilitiesOptions } from "../api/generated/@tanstack/react-query.gen";
import type { FindingRow, ImageTagDetail } from "../api/generated/types.gen";
import { InUse } from "../facts/InUse";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { OPEN } from "./findings";
import { NotScanned } from "./NotScanned";
import { imagePath } from "./reference";

/** Packages that are malicious themselves rather than flawed. */
export function MaliciousTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagVulnerabilitiesOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the malicious packages" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Malicious Packages"
      searchLabel="Search by package or ID"
      columns={maliciousColumns(image)}
      rows={data?.vulnerabilities.filter((row) => row.malicious)}
      rowKey={(row) => `${row.vulnerability} ${row.package_id}`}
      textOf={(row) => [row.package, row.version, row.vulnerability, row.summary].join(" ")}
      expectedRows={2}
      empty={
        image.severities === null ? (
          <NotScanned image={image} />
        ) : (
          <NothingYet title="No malicious package is known">
            None of the packages found in this image is reported as malicious in the advisories that were imported.
          </NothingYet>
        )
      }
    />
  );
}

function maliciousColumns(image: ImageTagDetail): readonly Column<FindingRow>[] {
  return [
    { title: "Package", width: 20, cell: (row) => row.package },
    { title: "Version", isNarrow: true, cell: (row) => row.version },
    { title: "Ecosystem", isNarrow: true, cell: (row) => row.ecosystem },
    {
      title: "ID",
      isNarrow: true,
      cell: (row) => (
        <Link to={`${imagePath(image.id)}/vulnerabilities?${OPEN}=${encodeURIComponent(row.vulnerability)}`}>
          {row.vulnerability}
        </Link>
      ),
    },
    { title: "Summary", width: 30, cell: (row) => row.summary || "–" },
    {
      title: "In use",
      width: 20,
      cell: (row) => <InUse grade={row.grade} path={row.evidence_path} process={row.evidence_process} />,
    },
  ];
}
