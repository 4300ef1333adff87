import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import {
  acknowledgeDetectionMutation,
  reopenDetectionMutation,
  resolveDetectionMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { DetectionRow } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { Field } from "../forms/Field";
import { TaskDialog } from "../forms/TaskDialog";
import { useMay } from "../session/session";
import { useToast } from "../shell/Toasts";
import { ExceptionDialog } from "./ExceptionDialog";
import { draftFrom } from "./exceptionDraft";
import { useRefresh } from "./useRefresh";

export interface DetectionAction {
  title: string;
  act: () => void;
}

interface Task {
  name: "acknowledge" | "resolve" | "except";
  detection: DetectionRow;
}

/** What can be done about detections, and the dialog that is open for it. */
export function useDetectionActions(): {
  actionsOn: (detection: DetectionRow) => DetectionAction[];
  dialog: ReactNode;
} {
  const mayAct = useMay("operator");
  const [task, setTask] = useState<Task | null>(null);
  const say = useToast();
  const refresh = useRefresh();
  const reopening = useMutation({
    ...reopenDetectionMutation(),
    onSuccess: refresh,
    onError: (error) => say({ variant: "danger", title: "That did not work", body: asProblem(error).message }),
  });

  const actionsOn = (detection: DetectionRow): DetectionAction[] => {
    if (!mayAct) {
      return [];
    }
    const ask = (title: string, name: Task["name"]) => ({ title, act: () => setTask({ name, detection }) });
    const reopen = {
      title: "Open again",
      act: () => reopening.mutate({ path: { detection_id: detection.id }, body: {} }),
    };
    switch (detection.status) {
      case "open":
        return [ask("Acknowledge", "acknowledge"), ask("Resolve", "resolve"), ask("Add exception", "except")];
      case "acknowledged":
        return [ask("Resolve", "resolve"), reopen, ask("Add exception", "except")];
      case "resolved":
        return [reopen];
    }
  };

  const close = () => setTask(null);
  const dialog = (
    <>
      {task?.name === "acknowledge" && <Acknowledge detection={task.detection} close={close} />}
      {task?.name === "resolve" && <Resolve detection={task.detection} close={close} />}
      {task?.name === "except" && <ExceptionDialog initial={draftFrom(task.detection, new Date())} close={close} />}
    </>
  );
  return { actionsOn, dialog };
}

interface TaskProps {
  detection: DetectionRow;
  close: () => void;
}

function useClosing(close: () => void) {
  const refresh = useRefresh();
  return {
    onSuccess: async () => {
      close();
      await refresh();
    },
  };
}

function Acknowledge({ detection, close }: TaskProps) {
  const [note, setNote] = useState("");
  const acknowledging = useMutation({ ...acknowledgeDetectionMutation(), ...useClosing(close) });
  return (
    <TaskDialog
      title="Acknowledge"
      about="You take care of it. Others see your name and note; when it happens again, it is counted and does not alert."
      action="Acknowledge"
      mutation={acknowledging}
      submit={() => acknowledging.mutate({ path: { detection_id: detection.id }, body: { note } })}
      close={close}
    >
      <Field id="detection-note" label="Note" value={note} onChange={setNote} lines={3} help="What you do about it." />
    </TaskDialog>
  );
}

function Resolve({ detection, close }: TaskProps) {
  const [note, setNote] = useState("");
  const resolving = useMutation({ ...resolveDetectionMutation(), ...useClosing(close) });
  return (
    <TaskDialog
      title="Resolve"
      about="It is dealt with. When it happens again, that is a new detection and alerts."
      action="Resolve"
      mutation={resolving}
      submit={() => resolving.mutate({ path: { detection_id: detection.id }, body: { note } })}
      close={close}
    >
      <Field id="detection-note" label="Note" value={note} onChange={setNote} lines={3} help="What it was." />
    </TaskDialog>
  );
}
