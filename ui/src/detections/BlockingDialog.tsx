import { Checkbox, FormGroup, Radio } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { changeBlockingMutation, listBlockingQueryKey } from "../api/generated/@tanstack/react-query.gen";
import type { BlockingMode, BlockingOut } from "../api/generated/types.gen";
import { Field } from "../forms/Field";
import { TaskDialog } from "../forms/TaskDialog";
import { Notice } from "../states/Notice";
import { auditedSoFar, type BlockingDraft, bodyOf, draftOf, mistakeIn, needsProof } from "./blocking";

const MODES: readonly { mode: BlockingMode; label: string; about: string }[] = [
  { mode: "off", label: "Off", about: "Sensors only watch." },
  { mode: "audit", label: "Audit", about: "Sensors report what they would have stopped, and stop nothing." },
  { mode: "enforce", label: "Enforce", about: "Sensors stop it." },
];

/** Chooses what sensors stop in a cluster. */
export function BlockingDialog({ policy, close }: { policy: BlockingOut; close: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(policy));
  const queryClient = useQueryClient();
  const changing = useMutation({
    ...changeBlockingMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listBlockingQueryKey() });
      close();
    },
  });
  const set = (part: Partial<BlockingDraft>) => setDraft({ ...draft, ...part });
  const unproven = needsProof(policy, draft);
  const mistake = mistakeIn(draft);
  return (
    <TaskDialog
      title={`Blocking on ${policy.cluster}`}
      about="What sensors stop in the containers of this cluster. Audit first: what you forgot about stops as well."
      action="Apply"
      mutation={changing}
      isUsable={mistake === "" && (!unproven || draft.unproven)}
      submit={() => changing.mutate({ path: { cluster_id: policy.cluster_id }, body: bodyOf(draft) })}
      close={close}
    >
      <FormGroup role="radiogroup" label="Mode" isStack>
        {MODES.map(({ mode, label, about }) => (
          <Radio
            key={mode}
            id={`mode-${mode}`}
            name="mode"
            label={label}
            description={about}
            isChecked={draft.mode === mode}
            onChange={() => set({ mode })}
          />
        ))}
      </FormGroup>
      <FormGroup role="group" label="What is stopped" isStack>
        <Checkbox
          id="drift"
          label="Drift"
          description="Programs that are not the image's own: made, changed or downloaded after the container started."
          isChecked={draft.drift}
          onChange={(_, drift) => set({ drift })}
        />
        <Checkbox
          id="mismatch"
          label="Mismatch"
          description="Programs whose hash differs from that of the file in the image."
          isChecked={draft.mismatch}
          onChange={(_, mismatch) => set({ mismatch })}
        />
        {mistake && <Notice variant="warning" isPlain title={mistake} />}
      </FormGroup>
      <Field
        id="included"
        label="Only in these namespaces"
        isCode
        placeholder="All but system namespaces"
        value={draft.included}
        onChange={(included) => set({ included })}
        help="Patterns with * and ?, spaces between them. System namespaces count only where they are named letter by letter."
      />
      <Field
        id="excluded"
        label="Never in these namespaces"
        isCode
        placeholder="None"
        value={draft.excluded}
        onChange={(excluded) => set({ excluded })}
      />
      {draft.mode === "enforce" && (
        <Notice variant="info" title={auditedSoFar(policy)}>
          Look at what it was under Detections, by the response “Would be stopped”.
        </Notice>
      )}
      {unproven && (
        <Checkbox
          id="unproven"
          label="I know what this will stop"
          description="This very policy has not been in audit for a day."
          isChecked={draft.unproven}
          onChange={(_, isChecked) => set({ unproven: isChecked })}
        />
      )}
    </TaskDialog>
  );
}
