import { ActionGroup, Button, Form, FormGroup, FormSection, Switch } from "@patternfly/react-core";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { Field } from "../forms/Field";
import { Refusal } from "../states/Notice";
import type { RegistryDraft } from "./registryDraft";

interface RegistryFormProps {
  initial: RegistryDraft;
  isNew: boolean;
  isPending: boolean;
  error: unknown;
  save: (draft: RegistryDraft) => void;
}

export function RegistryForm({ initial, isNew, isPending, error, save }: RegistryFormProps) {
  const [draft, setDraft] = useState(initial);
  const set = (part: Partial<RegistryDraft>) => setDraft({ ...draft, ...part });

  return (
    <Form
      isWidthLimited
      onSubmit={(event) => {
        event.preventDefault();
        save(draft);
      }}
    >
      <Refusal title="The registry was not saved" error={error} />
      <Field
        id="host"
        label="Host"
        isRequired
        isCode
        value={draft.host}
        onChange={(host) => set({ host })}
        help="As it stands in image references: docker.io, ghcr.io, registry.example.com:5000."
      />
      <Field
        id="name"
        label="Name"
        value={draft.name}
        onChange={(name) => set({ name })}
        help="What people see. Without one, the host."
      />
      <FormGroup label="Trust" role="group" fieldId="trusted">
        <Switch
          id="trusted"
          label="Images from here are trusted"
          isChecked={draft.trusted}
          onChange={(_, trusted) => set({ trusted })}
        />
        <p className="dl-subtle">
          Trusted images are compared with the registry and scanned. Without trust, running images from here are a risk
          of their own: Untrusted Registry.
        </p>
      </FormGroup>
      <Credentials draft={draft} set={set} isNew={isNew} />
      <Addresses draft={draft} set={set} />
      <Tags draft={draft} set={set} />
      <ActionGroup>
        <Button type="submit" isLoading={isPending} isDisabled={isPending || !draft.host.trim()}>
          {isNew ? "Add registry" : "Save"}
        </Button>
        <Button variant="link" component={(link) => <Link {...link} to="/admin/registries" />}>
          Cancel
        </Button>
      </ActionGroup>
    </Form>
  );
}

interface PartProps {
  draft: RegistryDraft;
  set: (part: Partial<RegistryDraft>) => void;
}

function Part({ title, description, children }: { title: string; description: string; children: ReactNode }) {
  return (
    <FormSection title={title} titleElement="h2">
      <p className="dl-subtle">{description}</p>
      {children}
    </FormSection>
  );
}

function Credentials({ draft, set, isNew }: PartProps & { isNew: boolean }) {
  return (
    <Part title="Credentials" description="An account that may pull. Leave both empty where anybody may.">
      <Field id="username" label="User name" value={draft.username} onChange={(username) => set({ username })} />
      <Field
        id="password"
        label="Password or token"
        type="password"
        value={draft.password}
        onChange={(password) => set({ password })}
        help={isNew ? "Kept encrypted, never shown again." : "Leave empty to keep the one that is stored."}
      />
    </Part>
  );
}

function Addresses({ draft, set }: PartProps) {
  return (
    <Part title="Address" description="Only where the registry is not reached at https://<host>.">
      <Field
        id="url"
        label="Address of the API"
        isCode
        value={draft.url}
        onChange={(url) => set({ url })}
        placeholder="https://registry.internal:8443"
      />
      <Field
        id="mirrors"
        label="Mirrors"
        isCode
        lines={2}
        value={draft.mirrors}
        onChange={(mirrors) => set({ mirrors })}
        help="Addresses that are asked first, one on each line."
      />
      <FormGroup role="group" fieldId="verify-tls">
        <Switch
          id="verify-tls"
          label="Verify its TLS certificate"
          isChecked={draft.verifyTls}
          onChange={(_, verifyTls) => set({ verifyTls })}
        />
      </FormGroup>
    </Part>
  );
}

function Tags({ draft, set }: PartProps) {
  return (
    <Part
      title="Tags"
      description="A tag that may move gives a Post-Deployment Tag Update, one that must not a Digest Mismatch. By itself, Deadlight goes by the tag's history and its shape."
    >
      <Field
        id="mutable-tags"
        label="Tags that may move"
        isCode
        lines={2}
        value={draft.mutableTags}
        onChange={(mutableTags) => set({ mutableTags })}
        help="Patterns such as release-*, one on each line."
      />
      <Field
        id="immutable-tags"
        label="Tags that must not move"
        isCode
        lines={2}
        value={draft.immutableTags}
        onChange={(immutableTags) => set({ immutableTags })}
        help="Patterns such as v*, one on each line."
      />
    </Part>
  );
}
