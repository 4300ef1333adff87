import {
  Button,
  Drawer,
  DrawerContent,
  DrawerContentBody,
  PageSection,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from "@patternfly/react-core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearchParams } from "react-router";
import { listWorkersOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AlertOut } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Failure } from "../states/Failure";
import { NothingFound } from "../states/NothingFound";
import { NothingYet } from "../states/NothingYet";
import { type Column, DataTable } from "../table/DataTable";
import { OneSelect } from "../table/OneSelect";
import { AlertPanel } from "./AlertPanel";
import { AlertStatusLabel } from "./AlertStatusLabel";
import {
  ALERT_STATUS_NAMES,
  ALERT_STATUSES,
  type AlertQuery,
  type AlertStatus,
  alertListOptions,
  alertsPath,
  parseAlertQuery,
} from "./alerts";
import { Redeliver } from "./Redeliver";
import { WorkersHead } from "./WorkersHead";

const ANY_STATUS = { value: "", label: "Any status" };
const ANY_WORKER = { value: "", label: "Any worker" };

/** Administration > Workers > Alerts: what workers sent and how it went. */
export function AlertsPage() {
  const [parameters] = useSearchParams();
  const navigate = useNavigate();
  const query = parseAlertQuery(parameters);
  const go = (changed: AlertQuery) => void navigate(alertsPath({ ...query, ...changed }), { replace: true });
  const openId = query.alert;

  return (
    <>
      <WorkersHead active="/admin/workers/alerts" />
      <PageSection isFilled aria-label="Alerts">
        <Drawer isExpanded={openId !== undefined}>
          <DrawerContent
            panelContent={openId && <AlertPanel key={openId} id={openId} close={() => go({ alert: undefined })} />}
          >
            <DrawerContentBody>
              <AlertLog query={query} go={go} />
            </DrawerContentBody>
          </DrawerContent>
        </Drawer>
      </PageSection>
    </>
  );
}

function AlertLog({ query, go }: { query: AlertQuery; go: (changed: AlertQuery) => void }) {
  const list = useInfiniteQuery(alertListOptions(query));
  const isNarrowed = query.status !== undefined || query.worker !== undefined;
  if (list.error && !list.data) {
    return <Failure subject="the alerts" error={list.error} retry={() => void list.refetch()} />;
  }
  return (
    <>
      <AlertFilters query={query} go={go} />
      <DataTable
        label="Alerts"
        columns={alertColumns((id) => go({ alert: id }))}
        rows={list.data}
        rowKey={(row) => row.id}
        isSelected={(row) => row.id === query.alert}
        empty={
          isNarrowed ? (
            <NothingFound clear={() => go({ status: undefined, worker: undefined })} />
          ) : (
            <NothingYet title="No alert has been sent yet">
              Alerts appear here when an event meets a worker's criteria. To see one now, send a test through{" "}
              <Link to="/admin/workers">a worker</Link>.
            </NothingYet>
          )
        }
      />
      {list.hasNextPage && (
        <div className="dl-more">
          <Button
            variant="secondary"
            isLoading={list.isFetchingNextPage}
            isDisabled={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Load more
          </Button>
        </div>
      )}
    </>
  );
}

function AlertFilters({ query, go }: { query: AlertQuery; go: (changed: AlertQuery) => void }) {
  const { data: workers } = useQuery(listWorkersOptions());
  const statuses = ALERT_STATUSES.map((status) => ({ value: status, label: ALERT_STATUS_NAMES[status] }));
  const names = (workers ?? []).map(({ id, name }) => ({ value: String(id), label: name }));
  return (
    <Toolbar>
      <ToolbarContent>
        <ToolbarItem>
          <OneSelect
            label="Status"
            options={[ANY_STATUS, ...statuses]}
            chosen={query.status ?? ""}
            choose={(status) => go({ status: (status || undefined) as AlertStatus | undefined })}
          />
        </ToolbarItem>
        <ToolbarItem>
          <OneSelect
            label="Worker"
            options={[ANY_WORKER, ...names]}
            chosen={query.worker === undefined ? "" : String(query.worker)}
            choose={(worker) => go({ worker: Number(worker) || undefined })}
          />
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}

function alertColumns(open: (id: string) => void): readonly Column<AlertOut>[] {
  return [
    { title: "Time", width: 15, cell: (row) => <Moment at={row.created_at} /> },
    {
      title: "Alert",
      width: 35,
      cell: (row) => (
        <>
          <Button variant="link" isInline onClick={() => open(row.id)}>
            {row.title}
          </Button>
          <div className="dl-subtle">{row.event_type}</div>
        </>
      ),
    },
    { title: "Worker", width: 15, cell: (row) => row.worker },
    { title: "Destination", width: 20, cell: (row) => <span className="dl-break">{row.destination}</span> },
    { title: "Status", isNarrow: true, cell: (row) => <AlertStatusLabel status={row.status} /> },
    { title: "Attempts", isNarrow: true, cell: (row) => row.attempts },
    { title: "Actions", isUntitled: true, isNarrow: true, cell: (row) => <Redeliver alert={row} /> },
  ];
}
