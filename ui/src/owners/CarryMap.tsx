import {
  Button,
  Form,
  FormGroup,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  Skeleton,
  TextArea,
} from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  exportOwnerRulesOptions,
  importOwnerRulesMutation,
  listOwnerRulesQueryKey,
} from "../api/generated/@tanstack/react-query.gen";
import { copyText } from "../facts/copyText";
import { useToast } from "../shell/Toasts";
import { Failure } from "../states/Failure";
import { Refusal } from "../states/Notice";

interface CarryMapProps {
  mayImport: boolean;
  close: () => void;
}

/** The whole map as a document: to copy, to keep beside the code, and to replace. */
export function CarryMap({ mayImport, close }: CarryMapProps) {
  const { data, error, refetch } = useQuery({ ...exportOwnerRulesOptions({ parseAs: "text" }), gcTime: 0 });
  const [edited, setEdited] = useState<string | null>(null);
  const { importing, save } = useImport(close);
  const say = useToast();
  const content = edited ?? (data as string | undefined);
  const copy = async () => {
    await copyText(content ?? "");
    say({ variant: "success", title: "Owners map copied" });
  };
  return (
    <Modal variant="large" isOpen onClose={close} aria-labelledby="carry-title">
      <ModalHeader
        title="Owners map as YAML"
        labelId="carry-title"
        description={
          mayImport ? "What is imported replaces the whole map. JSON is understood as well." : "The whole map, to copy."
        }
      />
      <ModalBody>
        {error && content === undefined && (
          <Failure subject="the owners map" error={error} retry={() => void refetch()} />
        )}
        {!error && content === undefined && <Skeleton height="24rem" screenreaderText="Loading" />}
        {content !== undefined && (
          <Form id="carry" onSubmit={(event) => event.preventDefault()}>
            <Refusal title="Nothing was imported" error={importing.error} />
            <FormGroup label="Document" fieldId="carry-document">
              <TextArea
                id="carry-document"
                className="dl-code-input"
                rows={18}
                resizeOrientation="vertical"
                spellCheck={false}
                value={content}
                readOnlyVariant={mayImport ? undefined : "default"}
                onChange={(_, text) => setEdited(text)}
              />
            </FormGroup>
          </Form>
        )}
      </ModalBody>
      <ModalFooter>
        {mayImport && (
          <Button
            isDisabled={edited === null || importing.isPending}
            isLoading={importing.isPending}
            onClick={() => save(edited ?? "")}
          >
            Import
          </Button>
        )}
        <Button variant="secondary" onClick={() => void copy()} isDisabled={content === undefined}>
          Copy
        </Button>
        <Button variant="link" onClick={close}>
          Close
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function useImport(close: () => void) {
  const queryClient = useQueryClient();
  const say = useToast();
  const importing = useMutation({
    ...importOwnerRulesMutation(),
    onSuccess: ({ rules }) => {
      void queryClient.invalidateQueries({ queryKey: listOwnerRulesQueryKey() });
      say({ variant: "success", title: "Owners map imported", body: `It has ${rules} rules now.` });
      close();
    },
  });
  return { importing, save: (content: string) => importing.mutate({ body: { content } }) };
}
