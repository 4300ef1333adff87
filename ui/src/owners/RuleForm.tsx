import { useState } from "react";
import { EntryForm, type EntryProps } from "../forms/EntryForm";
import { Field } from "../forms/Field";
import { Part, type PartProps } from "../forms/Part";
import { namesSomebody, type RuleDraft } from "./ruleDraft";

export function RuleForm({ initial, isNew, isPending, error, save }: EntryProps<RuleDraft>) {
  const [draft, setDraft] = useState(initial);
  const set = (part: Partial<RuleDraft>) => setDraft({ ...draft, ...part });
  return (
    <EntryForm
      what="rule"
      list="/admin/owners"
      isNew={isNew}
      isPending={isPending}
      isIncomplete={!namesSomebody(draft)}
      error={error}
      save={() => save(draft)}
    >
      <About draft={draft} set={set} />
      <Who draft={draft} set={set} />
    </EntryForm>
  );
}

function About({ draft, set }: PartProps<RuleDraft>) {
  return (
    <Part
      title="What it is about"
      description="Patterns with * and ?, all of which must match. An empty one matches everything."
    >
      <Field
        id="cluster"
        label="Cluster"
        isCode
        value={draft.cluster}
        onChange={(cluster) => set({ cluster })}
        placeholder="production-*"
      />
      <Field
        id="namespace"
        label="Namespace"
        isCode
        value={draft.namespace}
        onChange={(namespace) => set({ namespace })}
        placeholder="shop-*"
      />
      <Field
        id="repository"
        label="Repository"
        isCode
        value={draft.repository}
        onChange={(repository) => set({ repository })}
        placeholder="shop/*"
        help="Of the image, with or without its registry."
      />
      <Field
        id="label"
        label="Labels"
        isCode
        value={draft.label}
        onChange={(label) => set({ label })}
        placeholder="team=shop"
        help="Of the workload, or of its namespace where the workload has none of that name. key=value, several with commas."
      />
    </Part>
  );
}

function Who({ draft, set }: PartProps<RuleDraft>) {
  return (
    <Part title="Who is responsible" description="A team, a person or an e-mail address; the more, the better.">
      <Field id="team" label="Team" value={draft.team} onChange={(team) => set({ team })} />
      <Field id="person" label="Person" value={draft.person} onChange={(person) => set({ person })} />
      <Field
        id="email"
        label="E-mail"
        isCode
        value={draft.email}
        onChange={(email) => set({ email })}
        help="Workers that mail to owners use it."
      />
      <Field
        id="slack"
        label="Slack"
        value={draft.slack}
        onChange={(slack) => set({ slack })}
        placeholder="#shop"
        help="Named in alerts. Slack lets nobody choose the channel of an incoming webhook: add a worker for the team's."
      />
      <Field
        id="on-call"
        label="On call"
        type="url"
        isCode
        value={draft.on_call}
        onChange={(onCall) => set({ on_call: onCall })}
        placeholder="https://…"
        help="A page that says who is on call. Everybody who may see alerts sees it: no secrets."
      />
    </Part>
  );
}
