import {
  Button,
  Drawer,
  DrawerContent,
  DrawerContentBody,
  Dropdown,
  DropdownItem,
  DropdownList,
  Flex,
  MenuToggle,
  PageSection,
  Title,
} from "@patternfly/react-core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { WindowRow } from "../api/generated/types.gen";
import { CLUSTERS_PATH } from "../clusters/clusterPath";
import { PageHead } from "../shell/PageHead";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { NothingYet } from "../states/NothingYet";
import { DataTable } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { useWindowActions, type WindowAction } from "./actions";
import { Headline } from "./Headline";
import { TrendCard } from "./TrendCard";
import { type ChangeQuery, useWindowQuery } from "./useWindowQuery";
import { WindowFilters } from "./WindowFilters";
import { WindowPanel } from "./WindowPanel";
import { windowColumns } from "./windowColumns";
import { exportPath, isNarrowed, PERIODS, parseWindowQuery, type WindowQuery } from "./windowQuery";
import { statisticsOptions, windowListOptions } from "./windows";

const PERIOD_OPTIONS = PERIODS.map(({ days, label }) => ({ value: String(days), label }));
const EVERYTHING = parseWindowQuery(new URLSearchParams());

/** Runtime > Exposure Windows. */
export function ExposurePage() {
  const { query, openId, change, open } = useWindowQuery();
  const { actionsOn, dialog } = useWindowActions();
  const panel = openId !== null && (
    <WindowPanel key={openId} id={openId} query={query} actionsOn={actionsOn} close={() => open(null)} />
  );
  return (
    <>
      <PageHead
        title="Exposure Windows"
        description="How long risks were live: from when each became true on a workload to when it was closed."
        actions={
          <Flex columnGap={{ default: "columnGapSm" }}>
            <OneSelect
              label="Period"
              options={PERIOD_OPTIONS}
              chosen={String(query.days)}
              choose={(days) => change((now) => ({ ...now, days: Number(days) }))}
            />
            <Export query={query} />
          </Flex>
        }
      />
      <PageSection isFilled aria-label="Exposure windows">
        <Drawer className="dl-drawer" isExpanded={openId !== null}>
          <DrawerContent panelContent={panel}>
            <DrawerContentBody>
              <Figures query={query} change={change} />
              <WindowList query={query} change={change} openId={openId} actionsOn={actionsOn} />
            </DrawerContentBody>
          </DrawerContent>
        </Drawer>
      </PageSection>
      {dialog}
    </>
  );
}

function Export({ query }: { query: WindowQuery }) {
  const [isOpen, setIsOpen] = useState(false);
  const now = new Date();
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      shouldFocusFirstItemOnOpen
      popperProps={{ position: "right" }}
      toggle={(toggle) => (
        <MenuToggle ref={toggle} isExpanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          Export
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem to={exportPath(query, "csv", now)}>CSV</DropdownItem>
        <DropdownItem to={exportPath(query, "json", now)}>JSON</DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

interface PartProps {
  query: WindowQuery;
  change: ChangeQuery;
}

function Figures({ query, change }: PartProps) {
  const { data, error, refetch } = useQuery(statisticsOptions(query));
  if (error && !data) {
    return <Failure subject="the figures" error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="dl-part">
      <Headline statistics={data} query={query} />
      <TrendCard statistics={data} query={query} change={change} />
    </div>
  );
}

interface WindowListProps extends PartProps {
  openId: number | null;
  actionsOn: (window: WindowRow) => WindowAction[];
}

function WindowList({ query, change, openId, actionsOn }: WindowListProps) {
  const list = useInfiniteQuery(windowListOptions(query));
  if (list.error && !list.data) {
    return <Failure subject="the windows" error={list.error} retry={() => void list.refetch()} />;
  }
  const clear = () => change(({ days, group, measure }) => ({ ...EVERYTHING, days, group, measure }));
  return (
    <section aria-labelledby="list-title">
      <Title headingLevel="h2" id="list-title">
        Windows
      </Title>
      <WindowFilters query={query} change={change} clear={clear} total={list.data?.total} />
      <DataTable
        label="Exposure windows"
        columns={windowColumns(query, actionsOn)}
        rows={list.data?.windows}
        rowKey={(row) => String(row.id)}
        isSelected={(row) => row.id === openId}
        empty={isNarrowed(query) ? <NothingFound clear={clear} /> : <NoWindow />}
      />
      {list.data && list.data.total > 0 && (
        <div className="dl-more">
          <span aria-live="polite">
            {list.data.windows.length} of {list.data.total}
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
    </section>
  );
}

function NoWindow() {
  return (
    <NothingYet title="No risk was live in this period">
      A window opens when a workload runs an image that violates integrity, comes from a registry that is not trusted,
      holds a malicious package or has a critical and applicable vulnerability, or when a sensor detects a threat in it,
      and closes when that is over. Connect a <Link to={CLUSTERS_PATH}>cluster</Link> and its{" "}
      <Link to="/admin/registries">registries</Link> to see them, or choose a longer period.
    </NothingYet>
  );
}
