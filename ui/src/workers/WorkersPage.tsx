import { Button, Label, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import {
  listWorkersOptions,
  listWorkersQueryKey,
  removeWorkerMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { WorkerOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Confirmation } from "../forms/Confirmation";
import { useMay } from "../session/session";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { ALERTS_INTERVAL_MILLISECONDS, type AlertStatus, alertsPath } from "./alerts";
import { DESTINATION_NAMES } from "./destinations";
import { TestWorker } from "./TestWorker";
import { WorkersHead } from "./WorkersHead";
import type { DestinationType } from "./workerDraft";

type Task = { name: "test" | "remove"; worker: WorkerOut };

/** Administration > Workers. */
export function WorkersPage() {
  const mayChange = useMay("operator");
  const { data, error, refetch } = useQuery({
    ...listWorkersOptions(),
    refetchInterval: ALERTS_INTERVAL_MILLISECONDS,
  });
  const [task, setTask] = useState<Task | null>(null);
  const end = () => setTask(null);
  const add = mayChange && <Button component={(link) => <Link {...link} to="/admin/workers/new" />}>Add worker</Button>;

  return (
    <>
      <WorkersHead active="/admin/workers" actions={add} />
      <PageSection isFilled aria-label="Workers">
        {error && !data ? (
          <Failure subject="the workers" error={error} retry={() => void refetch()} />
        ) : (
          <DataTable
            label="Workers"
            columns={mayChange ? [...COLUMNS, actionsColumn(setTask)] : COLUMNS}
            rows={data}
            rowKey={(row) => String(row.id)}
            empty={
              <NothingYet title="No worker yet" actions={add}>
                A worker waits for events, such as a workload that changed or an integrity violation, and sends an alert
                to a webhook, to Slack or by e-mail.
              </NothingYet>
            }
          />
        )}
      </PageSection>
      {task?.name === "test" && <TestWorker worker={task.worker} close={end} />}
      {task?.name === "remove" && <RemoveWorker worker={task.worker} close={end} />}
    </>
  );
}

const COLUMNS: readonly Column<WorkerOut>[] = [
  {
    title: "Name",
    width: 20,
    cell: (row) => (
      <>
        <WorkerName worker={row} /> <DemonstrationLabel isShown={row.demonstration} />
        {row.description && <div className="dl-subtle">{row.description}</div>}
      </>
    ),
  },
  { title: "Status", isNarrow: true, cell: (row) => <WorkerStatus worker={row} /> },
  { title: "Events", isNarrow: true, cell: (row) => row.event_types.map((name) => <div key={name}>{name}</div>) },
  { title: "Destinations", width: 20, cell: (row) => <Destinations worker={row} /> },
  { title: "Delivered", isNarrow: true, cell: (row) => <Count worker={row} status="delivered" /> },
  { title: "Pending", isNarrow: true, cell: (row) => <Count worker={row} status="pending" /> },
  { title: "Dead letters", isNarrow: true, cell: (row) => <Count worker={row} status="dead" /> },
  { title: "Suppressed", isNarrow: true, cell: (row) => <Count worker={row} status="suppressed" /> },
];

function WorkerName({ worker }: { worker: WorkerOut }) {
  return useMay("operator") ? <Link to={`/admin/workers/${worker.id}`}>{worker.name}</Link> : worker.name;
}

function WorkerStatus({ worker }: { worker: WorkerOut }) {
  return (
    <>
      <Label isCompact status={worker.enabled ? "success" : undefined}>
        {worker.enabled ? "Enabled" : "Disabled"}
      </Label>
      {worker.criteria_errors > 0 && (
        <div>
          <Label isCompact status="warning">
            {worker.criteria_errors} criteria errors
          </Label>
          <div className="dl-subtle dl-error-text">{worker.criteria_error}</div>
        </div>
      )}
    </>
  );
}

function Destinations({ worker }: { worker: WorkerOut }) {
  return worker.destinations.map(({ id, type, label }) => (
    <div key={id}>
      {DESTINATION_NAMES[type as DestinationType]}: <span className="dl-evidence">{label}</span>
    </div>
  ));
}

function Count({ worker, status }: { worker: WorkerOut; status: AlertStatus }) {
  const count = worker[status];
  if (count === 0) {
    return <>0</>;
  }
  const path = alertsPath({ worker: worker.id, status });
  return status === "dead" ? (
    <Label
      isCompact
      status="danger"
      render={({ className, content }) => (
        <Link className={className} to={path}>
          {content}
        </Link>
      )}
    >
      {count}
    </Label>
  ) : (
    <Link to={path}>{count}</Link>
  );
}

function actionsColumn(setTask: (task: Task) => void): Column<WorkerOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => <WorkerActions worker={row} setTask={setTask} />,
  };
}

function WorkerActions({ worker, setTask }: { worker: WorkerOut; setTask: (task: Task) => void }) {
  const navigate = useNavigate();
  return (
    <RowActions
      subject={worker.name}
      actions={[
        { title: "Edit", act: () => void navigate(`/admin/workers/${worker.id}`) },
        { title: "Send a test", act: () => setTask({ name: "test", worker }) },
        { title: "Show its alerts", act: () => void navigate(alertsPath({ worker: worker.id })) },
        { title: "Remove", act: () => setTask({ name: "remove", worker }), isDanger: true },
      ]}
    />
  );
}

function RemoveWorker({ worker, close }: { worker: WorkerOut; close: () => void }) {
  const queryClient = useQueryClient();
  const removing = useMutation({
    ...removeWorkerMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listWorkersQueryKey() });
      close();
    },
  });
  return (
    <Confirmation
      title={`Remove ${worker.name}?`}
      action="Remove"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { worker_id: worker.id } })}
      cancel={close}
    >
      It sends no more alerts, and the log of those it sent is deleted with it. To stop it for a while, disable it
      instead.
    </Confirmation>
  );
}
