import { PageSection, Wizard, WizardStep } from "@patternfly/react-core";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { PageHead } from "../shell/PageHead";
import { CLUSTERS_PATH } from "./clusterPath";
import { clusterNameMistake, namespaceMistake, newEnvironment } from "./environment";
import { ChooseProvider, EnvironmentDetails } from "./InstallEnvironment";
import { EnvironmentSetup } from "./InstallSetup";

const ABOVE = { title: "Cluster Management", path: CLUSTERS_PATH };

/** Runtime > Cluster Management > Install Runtime. */
export function InstallPage() {
  const [parameters] = useSearchParams();
  const [environment, setEnvironment] = useState(() => newEnvironment(parameters.get("cluster") ?? ""));
  const navigate = useNavigate();
  const leave = () => void navigate(CLUSTERS_PATH);
  const isComplete = !clusterNameMistake(environment.clusterName) && !namespaceMistake(environment.namespace);
  return (
    <>
      <PageHead title="Install Runtime" above={[ABOVE]} />
      <PageSection isFilled type="wizard">
        <Wizard onClose={leave} isVisitRequired navAriaLabel="Steps of the installation">
          <WizardStep name="Choose Your Provider" id="provider">
            <ChooseProvider environment={environment} change={setEnvironment} />
          </WizardStep>
          <WizardStep name="Environment Details" id="details" footer={{ isNextDisabled: !isComplete }}>
            <EnvironmentDetails environment={environment} change={setEnvironment} />
          </WizardStep>
          <WizardStep
            name="Environment Setup"
            id="setup"
            isDisabled={!isComplete}
            footer={{ nextButtonText: "Close", onNext: leave, isCancelHidden: true }}
          >
            <EnvironmentSetup key={JSON.stringify(environment)} environment={environment} />
          </WizardStep>
        </Wizard>
      </PageSection>
    </>
  );
}
