import { Button, Checkbox, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { listSavedViewsQueryKey } from "../api/generated/@tanstack/react-query.gen";
import { addSavedView, changeSavedView } from "../api/generated/sdk.gen";
import type { SavedViewOut, ViewPage } from "../api/generated/types.gen";
import { Field } from "../forms/Field";
import { Refusal } from "../states/Notice";

interface SaveViewProps {
  page: ViewPage;
  /** The view to change; without one a new one is made. */
  view: SavedViewOut | undefined;
  /** The filters it keeps, as in an address. */
  query: string;
  close: () => void;
  saved: (id: number) => void;
}

/** Asks for the name of a view and whether everyone gets it. */
export function SaveView({ page, view, query, close, saved }: SaveViewProps) {
  const [name, setName] = useState(view?.name ?? "");
  const [isShared, setIsShared] = useState(view?.shared ?? false);
  const queryClient = useQueryClient();
  const saving = useMutation({
    mutationFn: async () => {
      const body = { page, name, query, shared: isShared };
      const { data } = view
        ? await changeSavedView({ path: { view_id: view.id }, body, throwOnError: true })
        : await addSavedView({ body, throwOnError: true });
      return data;
    },
    onSuccess: async (result) => {
      await queryClient.invalidateQueries({ queryKey: listSavedViewsQueryKey({ query: { page } }) });
      saved(result.id);
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate();
  };

  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="view-title">
      <ModalHeader
        title={view ? `Change the view ${view.name}` : "Save these filters as a view"}
        labelId="view-title"
      />
      <ModalBody>
        <Form id="view-form" onSubmit={submit}>
          <Field id="view-name" label="Name" value={name} onChange={setName} isRequired />
          <Checkbox
            id="view-shared"
            label="Share with everyone"
            description="Others can open it; only you can change it."
            isChecked={isShared}
            onChange={(_, checked) => setIsShared(checked)}
          />
          <Refusal title="The view was not saved" error={saving.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          type="submit"
          form="view-form"
          isLoading={saving.isPending}
          isDisabled={saving.isPending || name.trim() === ""}
        >
          Save
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
