import { PageSection, Skeleton } from "@patternfly/react-core";
import { type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useParams } from "react-router";
import {
  addWorkerMutation,
  changeWorkerMutation,
  getWorkerOptions,
  getWorkerQueryKey,
  listEventTypesOptions,
  listWorkersQueryKey,
} from "../api/generated/@tanstack/react-query.gen";
import type { EventTypeOut, WorkerOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { useSaved } from "../forms/useSaved";
import { PageHead } from "../shell/PageHead";
import { Failure } from "../states/Failure";
import { PageFailure } from "../states/PageFailure";
import { WorkerForm } from "./WorkerForm";
import { bodyOf, draftOf, NEW_WORKER } from "./workerDraft";

const ABOVE = { title: "Workers", path: "/admin/workers" };
const SAVED = {
  body: "Send a test to see that its alerts arrive.",
  list: ABOVE.path,
  queryKey: listWorkersQueryKey(),
};

export function NewWorkerPage() {
  const events = useQuery(listEventTypesOptions());
  return (
    <>
      <PageHead title="Add a worker" above={[ABOVE]} />
      <PageSection isFilled>
        <WithEvents events={events}>{(eventTypes) => <AddWorker eventTypes={eventTypes} />}</WithEvents>
      </PageSection>
    </>
  );
}

export function WorkerPage() {
  const id = Number(useParams().workerId);
  const { data: worker, error, refetch } = useQuery(getWorkerOptions({ path: { worker_id: id } }));
  const events = useQuery(listEventTypesOptions());
  if (error && !worker) {
    return <PageFailure subject="this worker" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return (
    <>
      <PageHead
        title={worker?.name ?? "Worker"}
        above={[ABOVE]}
        labels={<DemonstrationLabel isShown={worker?.demonstration ?? false} />}
      />
      <PageSection isFilled>
        <WithEvents events={events}>
          {(eventTypes) => (worker ? <ChangeWorker worker={worker} eventTypes={eventTypes} /> : <GreyForm />)}
        </WithEvents>
      </PageSection>
    </>
  );
}

type EventTypes = readonly EventTypeOut[];

interface WithEventsProps {
  events: UseQueryResult<EventTypes, unknown>;
  children: (eventTypes: EventTypes) => ReactNode;
}

/** A form on a worker, once it is known which events there are. */
function WithEvents({ events, children }: WithEventsProps) {
  if (events.data) {
    return children(events.data);
  }
  return events.error ? (
    <Failure subject="the events" error={events.error} retry={() => void events.refetch()} />
  ) : (
    <GreyForm />
  );
}

function GreyForm() {
  return <Skeleton height="40rem" screenreaderText="Loading" />;
}

function AddWorker({ eventTypes }: { eventTypes: EventTypes }) {
  const saved = useSaved({ ...SAVED, title: "Worker added" });
  const adding = useMutation({ ...addWorkerMutation(), onSuccess: saved });
  return (
    <WorkerForm
      isNew
      initial={NEW_WORKER}
      eventTypes={eventTypes}
      isPending={adding.isPending}
      error={adding.error}
      save={(draft) => adding.mutate({ body: bodyOf(draft) })}
    />
  );
}

function ChangeWorker({ worker, eventTypes }: { worker: WorkerOut; eventTypes: EventTypes }) {
  const queryClient = useQueryClient();
  const saved = useSaved({ ...SAVED, title: "Worker saved" });
  const changing = useMutation({
    ...changeWorkerMutation(),
    onSuccess: () => {
      queryClient.removeQueries({ queryKey: getWorkerQueryKey({ path: { worker_id: worker.id } }) });
      saved();
    },
  });
  return (
    <WorkerForm
      isNew={false}
      initial={draftOf(worker)}
      eventTypes={eventTypes}
      isPending={changing.isPending}
      error={changing.error}
      save={(draft) => changing.mutate({ path: { worker_id: worker.id }, body: bodyOf(draft) })}
    />
  );
}
