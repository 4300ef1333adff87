import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import {
  acknowledgeExposureWindowMutation,
  suppressExposureWindowMutation,
  unacknowledgeExposureWindowMutation,
  unsuppressExposureWindowMutation,
} from "../api/generated/@tanstack/react-query.gen";
import { getExposureWindowIssue } from "../api/generated/sdk.gen";
import type { WindowRow } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { DETECTIONS_PATH } from "../detections/paths";
import { copyText } from "../facts/copyText";
import { DayField } from "../forms/DayField";
import { endOfDay, inDays, isWithinReach } from "../forms/days";
import { Field } from "../forms/Field";
import { TaskDialog } from "../forms/TaskDialog";
import { useMay } from "../session/session";
import { useToast } from "../shell/Toasts";
import { SHOWING_WINDOWS } from "./windows";

export interface WindowAction {
  title: string;
  act: () => void;
}

/** What can be done about windows, and the dialog that is open for it. */
export function useWindowActions(): { actionsOn: (window: WindowRow) => WindowAction[]; dialog: ReactNode } {
  const mayAct = useMay("operator");
  const [task, setTask] = useState<{ name: "acknowledge" | "suppress"; window: WindowRow } | null>(null);
  const say = useToast();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const tell = { onSuccess: refresh, onError: (error: unknown) => say(refusal(error)) };
  const unacknowledging = useMutation({ ...unacknowledgeExposureWindowMutation(), ...tell });
  const unsuppressing = useMutation({ ...unsuppressExposureWindowMutation(), ...tell });
  const copy = async (window: WindowRow) => {
    try {
      const { data } = await getExposureWindowIssue({ path: { window_id: window.id }, throwOnError: true });
      await copyText(data.text);
      say({ variant: "success", title: "Issue text copied", body: "Paste it into your tracking system." });
    } catch (error) {
      say(refusal(error));
    }
  };

  const actionsOn = (window: WindowRow): WindowAction[] => {
    const path = { window_id: window.id };
    const copying = { title: "Copy as issue", act: () => void copy(window) };
    if (window.detection) {
      const { id } = window.detection;
      return [{ title: "Show detection", act: () => void navigate(`${DETECTIONS_PATH}/${id}`) }, copying];
    }
    if (!mayAct || (window.closed_at !== null && window.suppression === null)) {
      return [copying];
    }
    const actions: WindowAction[] = [];
    if (window.closed_at === null) {
      actions.push(
        window.acknowledged_at === null
          ? { title: "Acknowledge", act: () => setTask({ name: "acknowledge", window }) }
          : { title: "Take acknowledgement back", act: () => unacknowledging.mutate({ path }) },
        {
          title: window.suppression ? "Change suppression" : "Suppress",
          act: () => setTask({ name: "suppress", window }),
        },
      );
    }
    if (window.suppression) {
      actions.push({ title: "End suppression", act: () => unsuppressing.mutate({ path }) });
    }
    return [...actions, copying];
  };

  const close = () => setTask(null);
  const dialog = (
    <>
      {task?.name === "acknowledge" && <Acknowledge window={task.window} close={close} />}
      {task?.name === "suppress" && <Suppress window={task.window} close={close} />}
    </>
  );
  return { actionsOn, dialog };
}

function refusal(error: unknown) {
  return { variant: "danger" as const, title: "That did not work", body: asProblem(error).message };
}

function useRefresh(): () => Promise<void> {
  const queryClient = useQueryClient();
  return () =>
    queryClient.invalidateQueries({
      predicate: ({ queryKey }) => SHOWING_WINDOWS.has((queryKey[0] as { _id?: string })._id ?? ""),
    });
}

interface TaskProps {
  window: WindowRow;
  close: () => void;
}

function Acknowledge({ window, close }: TaskProps) {
  const [note, setNote] = useState("");
  const refresh = useRefresh();
  const acknowledging = useMutation({
    ...acknowledgeExposureWindowMutation(),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  return (
    <TaskDialog
      title="Acknowledge"
      about={`You take care of ${window.namespace}/${window.workload}. Others see your name and note.`}
      action="Acknowledge"
      mutation={acknowledging}
      submit={() => acknowledging.mutate({ path: { window_id: window.id }, body: { note } })}
      close={close}
    >
      <Field
        id="acknowledge-note"
        label="Note"
        value={note}
        onChange={setNote}
        lines={3}
        help="What you do about it."
      />
    </TaskDialog>
  );
}

function Suppress({ window, close }: TaskProps) {
  const [reason, setReason] = useState(window.suppression?.reason ?? "");
  const [day, setDay] = useState(inDays(new Date(), 30));
  const refresh = useRefresh();
  const suppressing = useMutation({
    ...suppressExposureWindowMutation(),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  const isUsable = reason.trim() !== "" && isWithinReach(day, new Date());
  return (
    <TaskDialog
      title="Suppress"
      about={`No alert about this risk on ${window.namespace}/${window.workload} until then, also when it closes and opens again. Suppressed alerts are listed with their reason. What is still open then alerts again.`}
      action="Suppress"
      mutation={suppressing}
      isUsable={isUsable}
      submit={() =>
        suppressing.mutate({ path: { window_id: window.id }, body: { reason, until: endOfDay(day).toISOString() } })
      }
      close={close}
    >
      <Field
        id="suppress-reason"
        label="Reason"
        isRequired
        value={reason}
        onChange={setReason}
        lines={3}
        help="Why the risk is accepted."
      />
      <DayField value={day} onChange={setDay} />
    </TaskDialog>
  );
}
