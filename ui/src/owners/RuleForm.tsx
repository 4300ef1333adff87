import { ActionGroup, Button, Form, FormSection } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { Field } from "../forms/Field";
import { Refusal } from "../states/Notice";
import { namesSomebody, type RuleDraft } from "./ruleDraft";

interface RuleFormProps {
  initial: RuleDraft;
  isNew: boolean;
  isPending: boolean;
  error: unknown;
  save: (draft: RuleDraft) => void;
}

export function RuleForm({ initial, isNew, isPending, error, save }: RuleFormProps) {
  const [draft, setDraft] = useState(initial);
  const set = (part: Partial<RuleDraft>) => setDraft({ ...draft, ...part });
  return (
    <Form
      isWidthLimited
      onSubmit={(event) => {
        event.preventDefault();
        save(draft);
      }}
    >
      <Refusal title="The rule was not saved" error={error} />
      <About draft={draft} set={set} />
      <Who draft={draft} set={set} />
      <ActionGroup>
        <Button type="submit" isLoading={isPending} isDisabled={isPending || !namesSomebody(draft)}>
          {isNew ? "Add rule" : "Save"}
        </Button>
        <Button variant="link" component={(link) => <Link {...link} to="/admin/owners" />}>
          Cancel
        </Button>
      </ActionGroup>
    </Form>
  );
}

interface PartProps {
  draft: RuleDraft;
  set: (part: Partial<RuleDraft>) => void;
}

function Part({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <FormSection title={title} titleElement="h2">
      <p className="dl-subtle">{description}</p>
      {children}
    </FormSection>
  );
}

function About({ draft, set }: PartProps) {
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

function Who({ draft, set }: PartProps) {
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
