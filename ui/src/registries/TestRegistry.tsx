import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { testRegistryMutation } from "../api/generated/@tanstack/react-query.gen";
import type { ConnectionTest, RegistryOut } from "../api/generated/types.gen";
import { Digest } from "../facts/Digest";
import { Field } from "../forms/Field";
import { Notice, Refusal } from "../states/Notice";

/** Asks a registry for one image, to see whether its settings are right. */
export function TestRegistry({ registry, close }: { registry: RegistryOut; close: () => void }) {
  const [image, setImage] = useState("");
  const testing = useMutation(testRegistryMutation());
  return (
    <Modal variant="medium" isOpen onClose={close} aria-labelledby="test-title">
      <ModalHeader
        title={`Test ${registry.name}`}
        labelId="test-title"
        description="The service asks the registry what it is and, where you name one, for an image. Nothing is changed."
      />
      <ModalBody>
        <Form
          id="test-registry"
          onSubmit={(event) => {
            event.preventDefault();
            testing.mutate({ path: { registry_id: registry.id }, body: { image } });
          }}
        >
          <Field
            id="test-image"
            label="Image"
            isCode
            value={image}
            onChange={setImage}
            placeholder={`${registry.host}/team/app:1.0`}
            help="Its whole name with a tag or digest. Empty: only the registry itself is asked."
          />
          <Refusal title="The test could not be made" error={testing.error} />
          {testing.data && <TestResult result={testing.data} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="test-registry" isLoading={testing.isPending} isDisabled={testing.isPending}>
          Test
        </Button>
        <Button variant="link" onClick={close}>
          Close
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function TestResult({ result }: { result: ConnectionTest }) {
  return (
    <Notice variant={result.ok ? "success" : "danger"} title={result.ok ? "It works" : "That did not work"}>
      {result.message}
      {result.product && (
        <div>
          {result.product} {result.version}
        </div>
      )}
      {result.problems.length > 0 && (
        <ul>
          {result.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
      {result.digest && (
        <div>
          <Digest digest={result.digest} name="digest found" />
        </div>
      )}
    </Notice>
  );
}
