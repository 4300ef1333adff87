import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  addRegistrationTokenMutation,
  renewRegistrationTokenMutation,
  revokeRegistrationTokenMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { RegistrationTokenInfo } from "../api/generated/types.gen";
import { Command } from "../facts/Command";
import { Confirmation } from "../forms/Confirmation";
import { Field } from "../forms/Field";
import { Notice, Refusal } from "../states/Notice";
import { invalidateClusters } from "./invalidateClusters";

/** Makes a token and shows it, this once. */
export function CreateToken({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [cluster, setCluster] = useState("");
  const queryClient = useQueryClient();
  const creating = useMutation({
    ...addRegistrationTokenMutation(),
    onSuccess: () => invalidateClusters(queryClient),
  });
  if (creating.data) {
    return <FreshToken title="Registration token created" token={creating.data.access_token} close={close} />;
  }
  const create = () => creating.mutate({ body: { name: name.trim(), cluster_name: cluster.trim() } });
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="token-title">
      <ModalHeader title="Create a registration token" labelId="token-title" description="It is good for two years." />
      <ModalBody>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            create();
          }}
        >
          <Field
            id="token-name"
            label="Name"
            isRequired
            value={name}
            onChange={setName}
            help="What it is for, to tell it from others."
          />
          <Field
            id="token-cluster"
            label="Cluster Name"
            value={cluster}
            onChange={setCluster}
            help="The one cluster it is good for, which from then on takes no other's. Empty: any cluster without a token of its own."
          />
          <Refusal title="No token was created" error={creating.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isLoading={creating.isPending} isDisabled={creating.isPending || !name.trim()} onClick={create}>
          Create token
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

interface TokenProps {
  token: RegistrationTokenInfo;
  close: () => void;
}

/** Revokes a token and shows its successor, this once. */
export function ReplaceToken({ token, close }: TokenProps) {
  const queryClient = useQueryClient();
  const replacing = useMutation({
    ...renewRegistrationTokenMutation(),
    onSuccess: () => invalidateClusters(queryClient),
  });
  if (replacing.data) {
    return <FreshToken title={`${token.name} replaced`} token={replacing.data.access_token} close={close} />;
  }
  return (
    <Confirmation
      title={`Replace ${token.name}?`}
      action="Replace"
      isPending={replacing.isPending}
      error={replacing.error}
      confirm={() => replacing.mutate({ path: { token_id: token.id } })}
      cancel={close}
    >
      The token is revoked, and another one is made that is good for the same cluster. Agents that have enrolled go on
      with keys of their own.
    </Confirmation>
  );
}

/** Revokes a token. */
export function RevokeToken({ token, close }: TokenProps) {
  const queryClient = useQueryClient();
  const revoking = useMutation({
    ...revokeRegistrationTokenMutation(),
    onSuccess: () => {
      void invalidateClusters(queryClient);
      close();
    },
  });
  return (
    <Confirmation
      title={`Revoke ${token.name}?`}
      action="Revoke"
      isPending={revoking.isPending}
      error={revoking.error}
      confirm={() => revoking.mutate({ path: { token_id: token.id } })}
      cancel={close}
    >
      Nobody enrols with it any more. Agents that have enrolled go on with keys of their own; to stop these, remove
      their cluster.
    </Confirmation>
  );
}

function FreshToken({ title, token, close }: { title: string; token: string; close: () => void }) {
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="fresh-title">
      <ModalHeader title={title} labelId="fresh-title" />
      <ModalBody>
        <Notice variant="warning" title="Copy it now: it is not shown again" />
        <div className="dl-after">
          <Command name="Registration token">{token}</Command>
        </div>
      </ModalBody>
      <ModalFooter>
        <Button onClick={close}>Close</Button>
      </ModalFooter>
    </Modal>
  );
}
