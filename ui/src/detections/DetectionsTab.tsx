import { Button } from "@patternfly/react-core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { DataTable } from "../table/DataTable";
import { COURSE, WHERE, whatColumns } from "./detectionColumns";
import { detectionPath, parseDetectionQuery } from "./detectionQuery";
import { detectionListOptions, type Subject } from "./detections";

const QUERY = parseDetectionQuery(new URLSearchParams("days=365&shown=all"));
const COLUMNS = [...whatColumns((id) => detectionPath(id, QUERY)), WHERE, ...COURSE];

/** Threats that were detected in one image or workload within a year, suppressed and resolved ones too. */
export function DetectionsTab({ subject, what }: { subject: Subject; what: string }) {
  const list = useInfiniteQuery(detectionListOptions(QUERY, subject));
  if (list.error && !list.data) {
    return <Failure subject="the detections" error={list.error} retry={() => void list.refetch()} />;
  }
  return (
    <>
      <DataTable
        label="Detections"
        columns={COLUMNS}
        rows={list.data?.detections}
        rowKey={(row) => String(row.id)}
        empty={
          <NothingYet title={`No threat was detected in this ${what}`}>
            Within the last year, as far as sensors watched it. Where no sensor runs, nothing is seen.
          </NothingYet>
        }
      />
      {list.hasNextPage && (
        <div className="dl-more">
          <Button variant="secondary" isDisabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}
