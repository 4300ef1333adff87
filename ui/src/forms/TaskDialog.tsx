import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import type { FormEvent, ReactNode } from "react";
import { Refusal } from "../states/Notice";

interface TaskDialogProps {
  title: string;
  about: string;
  action: string;
  mutation: { isPending: boolean; error: unknown };
  isUsable?: boolean;
  submit: () => void;
  close: () => void;
  children: ReactNode;
}

/** Asks for what is needed to do something, does it, and says why that failed. */
export function TaskDialog({
  title,
  about,
  action,
  mutation,
  isUsable = true,
  submit,
  close,
  children,
}: TaskDialogProps) {
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (isUsable && !mutation.isPending) {
      submit();
    }
  };
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="task-title" aria-describedby="task-about">
      <ModalHeader title={title} labelId="task-title" description={<span id="task-about">{about}</span>} />
      <ModalBody>
        <Form id="task" onSubmit={onSubmit}>
          {children}
          <Refusal title="That did not work" error={mutation.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="task" isLoading={mutation.isPending} isDisabled={mutation.isPending || !isUsable}>
          {action}
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
