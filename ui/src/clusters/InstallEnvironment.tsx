import { Content, Form, FormGroup, Radio, Title } from "@patternfly/react-core";
import { Field } from "../forms/Field";
import { clusterNameMistake, type Environment, INSTALLATIONS, namespaceMistake, PROVIDERS } from "./environment";

interface StepProps {
  environment: Environment;
  change: (environment: Environment) => void;
}

/** Where the cluster runs. */
export function ChooseProvider({ environment, change }: StepProps) {
  return (
    <Form>
      <Title headingLevel="h2">Choose Your Provider</Title>
      <FormGroup role="radiogroup" label="Provider" fieldId="provider" isStack>
        {PROVIDERS.map(({ provider, title, about, isAvailable }) => (
          <Radio
            key={provider}
            id={`provider-${provider}`}
            name="provider"
            label={title}
            description={about}
            isDisabled={!isAvailable}
            isChecked={environment.provider === provider}
            onChange={() => change({ ...environment, provider })}
          />
        ))}
      </FormGroup>
    </Form>
  );
}

/** What the cluster is called and what is installed in it. */
export function EnvironmentDetails({ environment, change }: StepProps) {
  const { clusterName, namespace, installation } = environment;
  return (
    <Form>
      <Title headingLevel="h2">Environment Details</Title>
      <Field
        id="cluster-name"
        label="Cluster Name"
        isRequired
        value={clusterName}
        onChange={(name) => change({ ...environment, clusterName: name.trim() })}
        help="What it is called in Deadlight. Take the name of a cluster that is listed to upgrade it."
        {...(clusterName ? { mistake: clusterNameMistake(clusterName) } : {})}
      />
      <Field
        id="namespace"
        label="Namespace"
        isRequired
        value={namespace}
        onChange={(name) => change({ ...environment, namespace: name.trim() })}
        help="Where the agents run; made if it is not there."
        mistake={namespaceMistake(namespace)}
      />
      <FormGroup role="radiogroup" label="Installation Type" fieldId="installation" isStack>
        {INSTALLATIONS.map((choice) => (
          <Radio
            key={choice.installation}
            id={`installation-${choice.installation}`}
            name="installation"
            label={choice.title}
            description={choice.about}
            isChecked={installation === choice.installation}
            onChange={() => change({ ...environment, installation: choice.installation })}
          />
        ))}
      </FormGroup>
      <Content component="small">
        The next step makes a registration token that is good for a cluster of this name.
      </Content>
    </Form>
  );
}
