import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Refusal } from "../states/Notice";

interface ConfirmationProps {
  title: string;
  /** What will follow from it. */
  children: ReactNode;
  /** The verb on the button. */
  action: string;
  /** The verb on the one that does nothing. */
  otherwise?: string;
  isPending: boolean;
  error: unknown;
  confirm: () => void;
  cancel: () => void;
}

/** Asks before something is removed or lost. */
export function Confirmation({
  title,
  children,
  action,
  otherwise = "Cancel",
  isPending,
  error,
  confirm,
  cancel,
}: ConfirmationProps) {
  return (
    <Modal
      variant="small"
      isOpen
      onClose={cancel}
      aria-labelledby="confirmation-title"
      aria-describedby="confirmation-body"
    >
      <ModalHeader title={title} titleIconVariant="warning" labelId="confirmation-title" />
      <ModalBody id="confirmation-body">
        {children}
        <Refusal title="That did not work" error={error} />
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" isLoading={isPending} isDisabled={isPending} onClick={confirm}>
          {action}
        </Button>
        <Button variant="link" onClick={cancel}>
          {otherwise}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
