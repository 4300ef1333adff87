import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { addDetectionExceptionMutation } from "../api/generated/@tanstack/react-query.gen";
import { DayField } from "../forms/DayField";
import { isWithinReach } from "../forms/days";
import { Field } from "../forms/Field";
import { TaskDialog } from "../forms/TaskDialog";
import { Notice } from "../states/Notice";
import { bodyOf, type ExceptionDraft, isNarrow, PATTERNS } from "./exceptionDraft";
import { useRefresh } from "./useRefresh";

/** Adds an exception. */
export function ExceptionDialog({ initial, close }: { initial: ExceptionDraft; close: () => void }) {
  const [draft, setDraft] = useState(initial);
  const refresh = useRefresh();
  const adding = useMutation({
    ...addDetectionExceptionMutation(),
    onSuccess: async () => {
      close();
      await refresh();
    },
  });
  const isUsable = draft.reason.trim() !== "" && isNarrow(draft) && isWithinReach(draft.day, new Date());
  return (
    <TaskDialog
      title="Add an exception"
      about="Detections that match all of these patterns are suppressed: those there are, and those to come. They are still reported, counted and kept under the filter Suppressed. When the exception ends, they alert again. It does not change what is blocked."
      action="Add exception"
      mutation={adding}
      isUsable={isUsable}
      submit={() => adding.mutate({ body: bodyOf(draft) })}
      close={close}
    >
      {PATTERNS.map(({ name, label }) => (
        <Field
          key={name}
          id={`exception-${name}`}
          label={label}
          isCode
          placeholder="Any"
          value={draft[name]}
          onChange={(value) => setDraft({ ...draft, [name]: value })}
        />
      ))}
      {!isNarrow(draft) && (
        <Notice variant="info" isPlain title="Fill in one of these at least: an exception from everything is none." />
      )}
      <Field
        id="exception-reason"
        label="Reason"
        isRequired
        lines={2}
        value={draft.reason}
        onChange={(reason) => setDraft({ ...draft, reason })}
        help="Why this is fine. In patterns * stands for any text and ? for one character."
      />
      <DayField value={draft.day} onChange={(day) => setDraft({ ...draft, day })} />
    </TaskDialog>
  );
}
