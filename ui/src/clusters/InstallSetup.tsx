import {
  ClipboardCopyButton,
  CodeBlock,
  CodeBlockAction,
  CodeBlockCode,
  Content,
  ExpandableSection,
  Skeleton,
  Spinner,
  Stack,
  StackItem,
  Title,
} from "@patternfly/react-core";
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { getRegistrationTokenOptions } from "../api/generated/@tanstack/react-query.gen";
import { planInstallation } from "../api/generated/sdk.gen";
import type { InstallationOut, InstallationStep } from "../api/generated/types.gen";
import { copyText } from "../facts/copyText";
import { Failure } from "../states/Failure";
import { Notice } from "../states/Notice";
import { clusterPath } from "./clusterPath";
import type { Environment } from "./environment";
import { invalidateClusters } from "./invalidateClusters";

const ASK_MILLISECONDS = 2_000;

/** The commands for an environment, with the token made for it when they were first shown. */
function planOptions({ provider, clusterName, namespace, installation }: Environment) {
  const body = { provider, cluster_name: clusterName, namespace, installation };
  return queryOptions({
    queryKey: [{ _id: "planInstallation", body }],
    queryFn: async () => (await planInstallation({ body, throwOnError: true })).data,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
}

/** The commands for an environment, and whether the cluster has come yet. */
export function EnvironmentSetup({ environment }: { environment: Environment }) {
  const { data, error, refetch } = useQuery(planOptions(environment));
  if (error) {
    return <Failure subject="the commands" error={error} retry={() => void refetch()} />;
  }
  return data ? (
    <Setup plan={data} environment={environment} />
  ) : (
    <Skeleton height="24rem" screenreaderText="Loading" />
  );
}

function Setup({ plan, environment }: { plan: InstallationOut; environment: Environment }) {
  const isFull = environment.installation === "controller_and_sensors";
  return (
    <Stack hasGutter>
      <StackItem>
        <Title headingLevel="h2">{isFull ? "Deploy the sensor" : "Controller Only"}</Title>
        <Content component="p">
          Give these commands where <code>kubectl</code> and <code>helm</code> talk to the cluster. They can be given
          again, and then upgrade what is there.
        </Content>
      </StackItem>
      {plan.warning && (
        <StackItem>
          <Notice variant="warning" title="Agents in a cluster will not reach this service">
            {plan.warning}
          </Notice>
        </StackItem>
      )}
      {plan.steps.map((step) => (
        <StackItem key={step.title}>
          <Step step={step} />
        </StackItem>
      ))}
      <StackItem>
        <ExpandableSection toggleText="Without installing anything in the cluster">
          <Step step={plan.from_this_machine} />
        </ExpandableSection>
      </StackItem>
      <StackItem>
        <Waiting tokenId={plan.token_id} name={environment.clusterName} />
      </StackItem>
    </Stack>
  );
}

function Step({ step: { title, command, note } }: { step: InstallationStep }) {
  const [isCopied, setIsCopied] = useState(false);
  const id = `command-${title.replaceAll(" ", "-")}`;
  const copy = () => {
    void copyText(command);
    setIsCopied(true);
  };
  return (
    <>
      <Title headingLevel="h3" size="md">
        {title}
      </Title>
      <CodeBlock
        actions={
          <CodeBlockAction>
            <ClipboardCopyButton
              id={`copy-${id}`}
              textId={id}
              aria-label={`Copy: ${title}`}
              variant="plain"
              onClick={copy}
              onTooltipHidden={() => setIsCopied(false)}
            >
              {isCopied ? "Copied" : "Copy"}
            </ClipboardCopyButton>
          </CodeBlockAction>
        }
      >
        <CodeBlockCode id={id}>{command}</CodeBlockCode>
      </CodeBlock>
      {note && <span className="dl-subtle">{note}</span>}
    </>
  );
}

/** Asks until a cluster has enrolled with the token of these commands. */
function Waiting({ tokenId, name }: { tokenId: number; name: string }) {
  const { data } = useQuery({
    ...getRegistrationTokenOptions({ path: { token_id: tokenId } }),
    refetchInterval: ({ state }) => (state.data?.clusters.length ? false : ASK_MILLISECONDS),
  });
  const cluster = data?.clusters[0];
  const queryClient = useQueryClient();
  const isConnected = cluster !== undefined;
  useEffect(() => {
    if (isConnected) {
      void invalidateClusters(queryClient);
    }
  }, [isConnected, queryClient]);
  if (cluster) {
    return (
      <Notice variant="success" title={`${cluster.name} is connected`}>
        <Link to={clusterPath(cluster.id)}>See its nodes and sensors</Link>
      </Notice>
    );
  }
  return (
    <p role="status">
      <Spinner isInline aria-hidden /> Waiting for {name} to connect…
    </p>
  );
}
