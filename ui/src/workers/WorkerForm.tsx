import { Checkbox, FormGroup, Switch } from "@patternfly/react-core";
import { useState } from "react";
import type { EventType, EventTypeOut } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { EntryForm, type EntryProps } from "../forms/EntryForm";
import { Field } from "../forms/Field";
import { Notice } from "../states/Notice";
import { CriteriaField } from "./CriteriaField";
import { DestinationsField } from "./DestinationsField";
import { findMistakes, type Mistakes, placeOf, type WorkerDraft } from "./workerDraft";

interface WorkerFormProps extends EntryProps<WorkerDraft> {
  eventTypes: readonly EventTypeOut[];
}

export function WorkerForm({ initial, eventTypes, isNew, isPending, error, save }: WorkerFormProps) {
  const [draft, setDraft] = useState(initial);
  const [isSubmitted, setIsSubmitted] = useState(false);
  const set = (part: Partial<WorkerDraft>) => setDraft({ ...draft, ...part });
  const own = findMistakes(draft);
  const mistakes = { ...refusal(error), ...(isSubmitted ? own : {}) };

  return (
    <EntryForm
      what="worker"
      list="/admin/workers"
      isNew={isNew}
      isPending={isPending}
      maxWidth="50rem"
      save={() => {
        setIsSubmitted(true);
        if (Object.keys(own).length === 0) {
          save(draft);
        }
      }}
    >
      {mistakes.form && (
        <Notice variant="danger" title="The worker was not saved">
          {mistakes.form}
        </Notice>
      )}
      <Field
        id="name"
        label="Name"
        isRequired
        value={draft.name}
        onChange={(name) => set({ name })}
        mistake={mistakes.name}
      />
      <Field
        id="description"
        label="Description"
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <FormGroup label="Events" role="group" isRequired isStack fieldId="events">
        {mistakes.eventTypes && <Notice variant="danger" isPlain title={mistakes.eventTypes} />}
        {eventTypes.map(({ name, description }) => (
          <Checkbox
            key={name}
            id={`event-${name}`}
            label={name}
            description={description}
            isChecked={draft.eventTypes.some((chosen) => chosen === name)}
            onChange={() => set({ eventTypes: toggled(draft.eventTypes, name as EventType) })}
          />
        ))}
      </FormGroup>
      <CriteriaField
        value={draft.criteria}
        onChange={(criteria) => set({ criteria })}
        mistake={mistakes.criteria}
        sample={eventTypes.find(({ name }) => name === draft.eventTypes[0])}
      />
      <DestinationsField draft={draft} setDraft={setDraft} mistake={mistakes.destinations} />
      <FormGroup role="group" fieldId="enabled">
        <Switch id="enabled" label="Enabled" isChecked={draft.enabled} onChange={(_, enabled) => set({ enabled })} />
      </FormGroup>
    </EntryForm>
  );
}

function refusal(error: unknown): Mistakes {
  if (!error) {
    return {};
  }
  const { message } = asProblem(error);
  return { [placeOf(message)]: message };
}

function toggled(chosen: readonly EventType[], name: EventType): EventType[] {
  return chosen.includes(name) ? chosen.filter((item) => item !== name) : [...chosen, name];
}
