import { Label, Title } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { getImageTagHistoryOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, PastViolation, TagDigest } from "../api/generated/types.gen";
import { Deed } from "../facts/Deed";
import { Digest } from "../facts/Digest";
import { shortDigest } from "../facts/digest";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { sentence } from "../facts/sentence";
import { Failure } from "../states/Failure";
import { type Column, DataTable } from "../table/DataTable";
import { CutNote } from "./CutNote";
import { imagePath } from "./reference";

const VIOLATION_COLUMNS: readonly Column<PastViolation>[] = [
  { title: "Violation", width: 20, cell: (row) => row.type },
  { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
  { title: "First Detected", isNarrow: true, cell: (row) => <Moment at={row.first_detected_at} /> },
  {
    title: "Closed",
    isNarrow: true,
    cell: (row) =>
      row.closed_at ? (
        <Moment at={row.closed_at} />
      ) : (
        <Label isCompact status="danger">
          Open
        </Label>
      ),
  },
  { title: "Why it closed", width: 25, cell: (row) => sentence(row.close_reason) || "–" },
  {
    title: "Expected digest",
    cell: (row) => <code title={row.registry_digest}>{shortDigest(row.registry_digest) || "–"}</code>,
  },
  { title: "No. of Workloads", isNarrow: true, cell: (row) => row.workloads_count },
];

/** What was wrong with the image before, and every digest its tag has had. */
export function HistoryTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(getImageTagHistoryOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the history" error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="dl-part dl-after">
      <Title headingLevel="h2">Violations</Title>
      <CutNote shown={data?.violations.length} total={data?.violations_total} what="violations" />
      <DataTable
        label="Violations of this image"
        columns={VIOLATION_COLUMNS}
        rows={data?.violations}
        rowKey={(row) => String(row.id)}
        expectedRows={2}
        empty="This image has never been in violation."
      />
      <Title headingLevel="h2">Digests of the tag</Title>
      <CutNote shown={data?.digests.length} total={data?.digests_total} what="digests" />
      <DataTable
        label="Digests of the tag"
        columns={digestColumns(image)}
        rows={data?.digests}
        rowKey={(row) => row.digest}
        expectedRows={2}
        empty="The registry has not been seen to have anything under this name."
      />
    </div>
  );
}

function digestColumns(image: ImageTagDetail): readonly Column<TagDigest>[] {
  return [
    {
      title: "Digest",
      width: 35,
      cell: (row) => <Digest isShort digest={row.digest} name={`digest ${shortDigest(row.digest)}`} />,
    },
    { title: "First seen", isNarrow: true, cell: (row) => <Moment at={row.first_seen_at} /> },
    { title: "Last seen", isNarrow: true, cell: (row) => <Moment at={row.last_seen_at} /> },
    {
      title: "Pushed",
      width: 15,
      cell: (row) => (row.pushed_at ? <Deed at={row.pushed_at} by={row.pushed_by} /> : row.pushed_by || "–"),
    },
    { title: "Now", width: 20, cell: (row) => <DigestState row={row} image={image} /> },
  ];
}

function DigestState({ row, image }: { row: TagDigest; image: ImageTagDetail }) {
  const isThis = row.digest === image.digest;
  return (
    <>
      {row.is_current && <Label isCompact>In the registry</Label>}{" "}
      {isThis && (
        <Label isCompact color="blue">
          This image
        </Label>
      )}
      {row.image_tag_id !== null && !isThis && <Link to={imagePath(row.image_tag_id)}>The image that ran with it</Link>}
    </>
  );
}
