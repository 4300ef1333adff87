import {
  Button,
  ClipboardCopy,
  ClipboardCopyVariant,
  Content,
  Form,
  FormGroup,
  List,
  ListItem,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  listRegistriesQueryKey,
  makeWebhookSecretMutation,
  removeWebhookSecretMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { RegistryOut, RegistryTypes, WebhookSetup } from "../api/generated/types.gen";
import { Command } from "../facts/Command";
import { copyText } from "../facts/copyText";
import { Confirmation } from "../forms/Confirmation";
import { Notice, Refusal } from "../states/Notice";
import { OneSelect } from "../table/OneSelect";
import { readMarkdown } from "./registryStanding";

interface DialogProps {
  registry: RegistryOut;
  close: () => void;
}

/** Makes a secret for a registry's webhooks and says what to do with it at the product. */
export function WebhookSetupDialog({ registry, types, close }: DialogProps & { types: RegistryTypes }) {
  const usual = types.types.find(({ key }) => key === registry.type)?.webhook_format;
  const [product, setProduct] = useState(usual || types.webhook_formats[0]?.name || "distribution");
  const making = useMutation({ ...makeWebhookSecretMutation(), onSuccess: useRegistriesChanged() });
  return (
    <Modal variant="medium" isOpen onClose={close} aria-labelledby="webhook-title">
      <ModalHeader
        title={`Webhooks of ${registry.name}`}
        labelId="webhook-title"
        description="What the registry tells is checked at once, rather than in the next round. A webhook is only a reason to ask: verdicts come from the registry itself."
      />
      <ModalBody>
        {making.data ? (
          <Instructions setup={making.data} />
        ) : (
          <Form>
            <FormGroup label="Product" fieldId="webhook-product">
              <OneSelect
                label="Product"
                options={types.webhook_formats.map(({ name, title }) => ({ value: name, label: title }))}
                chosen={product}
                choose={setProduct}
              />
            </FormGroup>
            {registry.webhook_created_at && (
              <Notice variant="warning" title="The secret there is now stops working">
                Webhooks that were set up with it are refused until they have the new one.
              </Notice>
            )}
            <Refusal title="No secret was made" error={making.error} />
          </Form>
        )}
      </ModalBody>
      <ModalFooter>
        {!making.data && (
          <Button
            isLoading={making.isPending}
            isDisabled={making.isPending}
            onClick={() => making.mutate({ path: { registry_id: registry.id }, body: { product } })}
          >
            Make the secret
          </Button>
        )}
        <Button variant={making.data ? "primary" : "link"} onClick={close}>
          {making.data ? "Done" : "Cancel"}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function Instructions({ setup }: { setup: WebhookSetup }) {
  return (
    <Content>
      <Notice variant="warning" title="The secret is shown this once">
        It is kept encrypted. Whoever loses it makes a new one.
      </Notice>
      <Copied name="Address">{setup.url}</Copied>
      <Copied name="Secret">{setup.secret}</Copied>
      <h3>What to do there</h3>
      <List component="ol">
        {setup.steps.map((step) => (
          <ListItem key={step}>
            <Markdown text={step} />
          </ListItem>
        ))}
      </List>
      {setup.configuration && (
        <ClipboardCopy
          isReadOnly
          isCode
          isExpanded
          variant={ClipboardCopyVariant.expansion}
          hoverTip="Copy"
          clickTip="Copied"
          textAriaLabel="Configuration"
          toggleAriaLabel="Show the configuration"
          onCopy={() => void copyText(setup.configuration)}
        >
          {setup.configuration}
        </ClipboardCopy>
      )}
    </Content>
  );
}

function Copied({ name, children }: { name: string; children: string }) {
  return (
    <FormGroup label={name} className="dl-part">
      <Command name={name}>{children}</Command>
    </FormGroup>
  );
}

function Markdown({ text }: { text: string }) {
  return readMarkdown(text).map((piece, index) => {
    const key = `${index} ${piece.text}`;
    if (piece.kind === "strong") {
      return <strong key={key}>{piece.text}</strong>;
    }
    return piece.kind === "code" ? (
      <code key={key} className="dl-break">
        {piece.text}
      </code>
    ) : (
      <span key={key}>{piece.text}</span>
    );
  });
}

/** Asks before a registry's webhooks are refused from now on. */
export function StopWebhooks({ registry, close }: DialogProps) {
  const changed = useRegistriesChanged();
  const stopping = useMutation({
    ...removeWebhookSecretMutation(),
    onSuccess: () => {
      changed();
      close();
    },
  });
  return (
    <Confirmation
      title={`Take no webhooks of ${registry.name}?`}
      action="Take none"
      isPending={stopping.isPending}
      error={stopping.error}
      confirm={() => stopping.mutate({ path: { registry_id: registry.id } })}
      cancel={close}
    >
      Its secret is deleted. What is pushed is then noticed in the next round of checks.
    </Confirmation>
  );
}

function useRegistriesChanged() {
  const queryClient = useQueryClient();
  return () => void queryClient.invalidateQueries({ queryKey: listRegistriesQueryKey() });
}
