import {
  Button,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { testWorkerMutation } from "../api/generated/@tanstack/react-query.gen";
import type { EventType, WorkerOut } from "../api/generated/types.gen";
import { Notice, Refusal } from "../states/Notice";
import { alertsPath } from "./alerts";

/** Sends a sample event to a worker's destinations. */
export function TestWorker({ worker, close }: { worker: WorkerOut; close: () => void }) {
  const [eventType, setEventType] = useState(worker.event_types[0] as EventType);
  const testing = useMutation(testWorkerMutation());
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="test-title">
      <ModalHeader
        title={`Send a test through ${worker.name}`}
        labelId="test-title"
        description="A sample event, marked as a test, goes to all its destinations, whatever its criteria say."
      />
      <ModalBody>
        <Form>
          <FormGroup label="Event" fieldId="test-event">
            <FormSelect id="test-event" value={eventType} onChange={(_, chosen) => setEventType(chosen as EventType)}>
              {worker.event_types.map((name) => (
                <FormSelectOption key={name} value={name} label={name} />
              ))}
            </FormSelect>
          </FormGroup>
          <Refusal title="The test was not sent" error={testing.error} />
          {testing.data && (
            <Notice variant="success" title="The test is on its way">
              To {testing.data.alert_ids.length} destinations.{" "}
              <Link to={alertsPath({ worker: worker.id, alert: testing.data.alert_ids[0] })}>
                See in the log whether it arrives
              </Link>
            </Notice>
          )}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          isLoading={testing.isPending}
          isDisabled={testing.isPending}
          onClick={() => testing.mutate({ path: { worker_id: worker.id }, body: { event_type: eventType } })}
        >
          Send test
        </Button>
        <Button variant="link" onClick={close}>
          Close
        </Button>
      </ModalFooter>
    </Modal>
  );
}
