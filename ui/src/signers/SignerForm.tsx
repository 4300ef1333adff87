import { FormGroup, Radio } from "@patternfly/react-core";
import { useState } from "react";
import { EntryForm, type EntryProps } from "../forms/EntryForm";
import { Field } from "../forms/Field";
import type { PartProps } from "../forms/Part";
import { type Means, SIGNERS, type SignerDraft } from "./signerDraft";

const MEANS: Readonly<Record<Means, string>> = {
  key: "A key pair of their own",
  identity: "An identity, without a key (Sigstore)",
};

export function SignerForm({ initial, isNew, isPending, error, save }: EntryProps<SignerDraft>) {
  const [draft, setDraft] = useState(initial);
  const set = (part: Partial<SignerDraft>) => setDraft({ ...draft, ...part });
  return (
    <EntryForm
      what="signer"
      list={SIGNERS}
      isNew={isNew}
      isPending={isPending}
      isIncomplete={!isComplete(draft)}
      error={error}
      save={() => save(draft)}
    >
      <Field
        id="name"
        label="Name"
        isRequired
        value={draft.name}
        onChange={(name) => set({ name })}
        help="What people see on images this signer signed."
      />
      <FormGroup label="Signs with" role="radiogroup" fieldId="means">
        {Object.entries(MEANS).map(([means, label]) => (
          <Radio
            key={means}
            id={`means-${means}`}
            name="means"
            label={label}
            isChecked={draft.means === means}
            onChange={() => set({ means: means as Means })}
          />
        ))}
      </FormGroup>
      {draft.means === "key" ? (
        <Field
          id="key"
          label="Public key"
          isRequired
          isCode
          lines={6}
          value={draft.keyPem}
          onChange={(keyPem) => set({ keyPem })}
          placeholder="-----BEGIN PUBLIC KEY-----"
          help="In PEM, as cosign public-key prints it."
        />
      ) : (
        <Identity draft={draft} set={set} />
      )}
      <Field
        id="repositories"
        label="Repositories"
        isRequired
        isCode
        lines={3}
        value={draft.repositories}
        onChange={(repositories) => set({ repositories })}
        help="Whose images this signature counts for: patterns such as registry.example.com/shop/*, one on each line."
      />
    </EntryForm>
  );
}

function Identity({ draft, set }: PartProps<SignerDraft>) {
  return (
    <>
      <Field
        id="identity"
        label="Identity"
        isRequired
        isCode
        value={draft.identity}
        onChange={(identity) => set({ identity })}
        placeholder="https://github.com/acme/*/.github/workflows/release.yml@refs/heads/main"
        help="An e-mail address or the address of a workflow; * and ? stand for any text."
      />
      <Field
        id="issuer"
        label="Issuer"
        isRequired
        isCode
        value={draft.issuer}
        onChange={(issuer) => set({ issuer })}
        placeholder="https://token.actions.githubusercontent.com"
        help="Who vouches for the identity, exactly: another issuer could vouch for the same name."
      />
    </>
  );
}

function isComplete(draft: SignerDraft): boolean {
  const means = draft.means === "key" ? [draft.keyPem] : [draft.identity, draft.issuer];
  return [draft.name, draft.repositories, ...means].every((text) => text.trim() !== "");
}
