import { FormGroup, Switch } from "@patternfly/react-core";
import { useState } from "react";
import type { RegistryTypeOut } from "../api/generated/types.gen";
import { EntryForm, type EntryProps } from "../forms/EntryForm";
import { Field } from "../forms/Field";
import { Part, type PartProps } from "../forms/Part";
import { paceMistake, type RegistryDraft } from "./registryDraft";
import { TypePart } from "./TypePart";

type RegistryPartProps = PartProps<RegistryDraft>;

interface RegistryFormProps extends EntryProps<RegistryDraft> {
  types: readonly RegistryTypeOut[];
}

export function RegistryForm({ initial, types, isNew, isPending, error, save }: RegistryFormProps) {
  const [draft, setDraft] = useState(initial);
  const set = (part: Partial<RegistryDraft>) => setDraft({ ...draft, ...part });
  return (
    <EntryForm
      what="registry"
      list="/admin/registries"
      isNew={isNew}
      isPending={isPending}
      isIncomplete={!draft.host.trim() || paceMistake(draft.checksPerSecond) !== ""}
      error={error}
      save={() => save(draft)}
    >
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
      <TypePart draft={draft} set={set} types={types} isNew={isNew} />
      <Trust draft={draft} set={set} />
      <Credentials draft={draft} set={set} isNew={isNew} />
      <Addresses draft={draft} set={set} />
      <Caches draft={draft} set={set} />
      <Pace draft={draft} set={set} />
      <Tags draft={draft} set={set} />
    </EntryForm>
  );
}

function Trust({ draft, set }: RegistryPartProps) {
  return (
    <Part
      title="Trust"
      description="Trusted images are compared with the registry and scanned. Without trust, running images from here are a risk of their own: Untrusted Registry."
    >
      <FormGroup role="group" fieldId="trusted">
        <Switch
          id="trusted"
          label="Images from here are trusted"
          isChecked={draft.trusted}
          onChange={(_, trusted) => set({ trusted })}
        />
      </FormGroup>
      {draft.trusted && (
        <>
          <Field
            id="trusted-repositories"
            label="Only these repositories"
            isCode
            lines={2}
            value={draft.trustedRepositories}
            onChange={(trustedRepositories) => set({ trustedRepositories })}
            help="Patterns of their paths such as shop/*, one on each line. Empty: all of them."
          />
          <Field
            id="untrusted-repositories"
            label="But not these repositories"
            isCode
            lines={2}
            value={draft.untrustedRepositories}
            onChange={(untrustedRepositories) => set({ untrustedRepositories })}
            help="Patterns that have the last word, one on each line."
          />
        </>
      )}
    </Part>
  );
}

function Credentials({ draft, set, isNew }: RegistryPartProps & { isNew: boolean }) {
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

function Addresses({ draft, set }: RegistryPartProps) {
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

function Caches({ draft, set }: RegistryPartProps) {
  return (
    <Part
      title="Cache"
      description="Where it is a proxy cache. Images pulled through it are compared with the cache, which is what nodes pull from; where they come from is shown with them."
    >
      <Field
        id="origins"
        label="Cached copies of"
        isCode
        lines={2}
        value={draft.origins}
        onChange={(origins) => set({ origins })}
        placeholder="hub = docker.io"
        help="The path they have here = what stands in its place at the origin, one on each line. * is the whole registry."
      />
    </Part>
  );
}

function Pace({ draft, set }: RegistryPartProps) {
  return (
    <Part
      title="Checks"
      description="Every running image is compared again and again. A registry that asks for less gets less, whatever stands here."
    >
      <Field
        id="checks-per-second"
        label="Checks per second"
        value={draft.checksPerSecond}
        onChange={(checksPerSecond) => set({ checksPerSecond })}
        mistake={paceMistake(draft.checksPerSecond)}
        help="By all replicas together. At 20, a registry of 6,000 running images is gone through every five minutes."
      />
    </Part>
  );
}

function Tags({ draft, set }: RegistryPartProps) {
  return (
    <Part
      title="Tags"
      description="A tag that may move gives a Post-Deployment Tag Update, one that must not a Digest Mismatch. By itself, Deadlight goes by the registry's own policy, the tag's history and its shape."
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
