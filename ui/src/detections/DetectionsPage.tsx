import { Button, Drawer, DrawerContent, DrawerContentBody, Flex, PageSection } from "@patternfly/react-core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { DetectionOrder, DetectionRow, Shown } from "../api/generated/types.gen";
import { CLUSTERS_PATH } from "../clusters/clusterPath";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { NothingYet } from "../states/NothingYet";
import { DataTable } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { type DetectionAction, useDetectionActions } from "./actions";
import { DetectionFilters } from "./DetectionFilters";
import { DetectionPanel } from "./DetectionPanel";
import { DetectionsHead } from "./DetectionsHead";
import { detectionColumns } from "./detectionColumns";
import {
  type DetectionQuery,
  detectionPath,
  isNarrowed,
  ORDER_NAMES,
  PERIODS,
  parseDetectionQuery,
  SHOWN_NAMES,
} from "./detectionQuery";
import { detectionListOptions } from "./detections";
import { DETECTIONS_PATH, EXCEPTIONS_PATH, RULES_PATH } from "./paths";
import { type ChangeQuery, useDetectionQuery } from "./useDetectionQuery";

const PERIOD_OPTIONS = PERIODS.map(({ days, label }) => ({ value: String(days), label }));
const ORDER_OPTIONS = Object.entries(ORDER_NAMES).map(([value, label]) => ({ value, label }));
const SHOWN_OPTIONS = Object.entries(SHOWN_NAMES).map(([value, label]) => ({ value, label }));
const EVERYTHING = parseDetectionQuery(new URLSearchParams());

/** Runtime > Detections. */
export function DetectionsPage() {
  const { query, openId, change, open } = useDetectionQuery();
  const { actionsOn, dialog } = useDetectionActions();
  const panel = openId !== null && (
    <DetectionPanel key={openId} id={openId} actionsOn={actionsOn} close={() => open(null)} />
  );
  return (
    <>
      <DetectionsHead
        active={DETECTIONS_PATH}
        title="Detections"
        description="Attacks and misuse that sensors saw in containers, by rule, workload, image and program."
        actions={
          <Flex columnGap={{ default: "columnGapSm" }} flexWrap={{ default: "nowrap" }}>
            <OneSelect
              label="Order"
              options={ORDER_OPTIONS}
              chosen={query.order}
              choose={(order) => change((now) => ({ ...now, order: order as DetectionOrder }))}
            />
            <OneSelect
              label="Suppressed detections"
              options={SHOWN_OPTIONS}
              chosen={query.shown}
              choose={(shown) => change((now) => ({ ...now, shown: shown as Shown }))}
            />
            <OneSelect
              label="Period"
              options={PERIOD_OPTIONS}
              chosen={String(query.days)}
              choose={(days) => change((now) => ({ ...now, days: Number(days) }))}
            />
          </Flex>
        }
      />
      <PageSection isFilled aria-label="Detections">
        <Drawer className="dl-drawer" isExpanded={openId !== null}>
          <DrawerContent panelContent={panel}>
            <DrawerContentBody>
              <DetectionList query={query} change={change} openId={openId} actionsOn={actionsOn} />
            </DrawerContentBody>
          </DrawerContent>
        </Drawer>
      </PageSection>
      {dialog}
    </>
  );
}

interface DetectionListProps {
  query: DetectionQuery;
  change: ChangeQuery;
  openId: number | null;
  actionsOn: (detection: DetectionRow) => DetectionAction[];
}

function DetectionList({ query, change, openId, actionsOn }: DetectionListProps) {
  const list = useInfiniteQuery(detectionListOptions(query));
  if (list.error && !list.data) {
    return <Failure subject="the detections" error={list.error} retry={() => void list.refetch()} />;
  }
  const clear = () => change(({ days, order }) => ({ ...EVERYTHING, days, order }));
  return (
    <>
      <DetectionFilters
        query={query}
        change={change}
        clear={clear}
        total={list.data?.total}
        suppressed={list.data?.suppressed}
      />
      <DataTable
        label="Detections"
        columns={detectionColumns((id) => detectionPath(id, query), actionsOn)}
        rows={list.data?.detections}
        rowKey={(row) => String(row.id)}
        isSelected={(row) => row.id === openId}
        empty={isNarrowed(query) ? <NothingFound clear={clear} /> : <NoDetection shown={query.shown} />}
      />
      {list.data && list.data.total > 0 && (
        <div className="dl-more">
          <span aria-live="polite">
            {list.data.detections.length} of {list.data.total}
          </span>
          {list.hasNextPage && (
            <Button
              variant="secondary"
              isLoading={list.isFetchingNextPage}
              isDisabled={list.isFetchingNextPage}
              onClick={() => void list.fetchNextPage()}
            >
              Load more
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function NoDetection({ shown }: { shown: Shown }) {
  return shown === "suppressed" ? (
    <NothingYet title="Nothing is suppressed in this period">
      No <Link to={EXCEPTIONS_PATH}>exception</Link> matches a detection. What one suppresses is listed here. Or choose
      a longer period.
    </NothingYet>
  ) : (
    <NothingYet title="No threat was detected in this period">
      Sensors compare what containers do with <Link to={RULES_PATH}>threat rules</Link>. Where no sensor runs, nothing
      is seen: <Link to={CLUSTERS_PATH}>Cluster Management</Link> says which nodes have one. Or choose a longer period.
    </NothingYet>
  );
}
