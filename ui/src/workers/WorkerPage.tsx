import { PageSection, Skeleton } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "react-router";
import {
  addWorkerMutation,
  changeWorkerMutation,
  getWorkerOptions,
  getWorkerQueryKey,
  listWorkersQueryKey,
} from "../api/generated/@tanstack/react-query.gen";
import type { WorkerOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { PageHead } from "../shell/PageHead";
import { useToast } from "../shell/Toasts";
import { PageFailure } from "../states/PageFailure";
import { WorkerForm } from "./WorkerForm";
import { bodyOf, draftOf, NEW_WORKER } from "./workerDraft";

const ABOVE = { title: "Workers", path: "/admin/workers" };

export function NewWorkerPage() {
  const saved = useSaved("Worker added");
  const adding = useMutation({ ...addWorkerMutation(), onSuccess: saved });
  return (
    <>
      <PageHead title="Add a worker" above={[ABOVE]} />
      <PageSection isFilled>
        <WorkerForm
          isNew
          initial={NEW_WORKER}
          isPending={adding.isPending}
          error={adding.error}
          save={(draft) => adding.mutate({ body: bodyOf(draft) })}
        />
      </PageSection>
    </>
  );
}

export function WorkerPage() {
  const id = Number(useParams().workerId);
  const { data: worker, error, refetch } = useQuery(getWorkerOptions({ path: { worker_id: id } }));
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
        {worker ? <ChangeWorker worker={worker} /> : <Skeleton height="40rem" screenreaderText="Loading" />}
      </PageSection>
    </>
  );
}

function ChangeWorker({ worker }: { worker: WorkerOut }) {
  const saved = useSaved("Worker saved", worker.id);
  const changing = useMutation({ ...changeWorkerMutation(), onSuccess: saved });
  return (
    <WorkerForm
      isNew={false}
      initial={draftOf(worker)}
      isPending={changing.isPending}
      error={changing.error}
      save={(draft) => changing.mutate({ path: { worker_id: worker.id }, body: bodyOf(draft) })}
    />
  );
}

function useSaved(title: string, id?: number) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const say = useToast();
  return () => {
    void queryClient.invalidateQueries({ queryKey: listWorkersQueryKey() });
    if (id !== undefined) {
      queryClient.removeQueries({ queryKey: getWorkerQueryKey({ path: { worker_id: id } }) });
    }
    say({ variant: "success", title, body: "Send a test to see that its alerts arrive." });
    void navigate("/admin/workers");
  };
}
