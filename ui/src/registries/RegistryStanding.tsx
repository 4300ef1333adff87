import { Button, Card, CardBody, CardHeader, CardTitle, DescriptionList, Flex } from "@patternfly/react-core";
import { useState } from "react";
import type { RegistryOut, RegistryTypes } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { LastAsked } from "./LastAsked";
import { describePace, describeTraffic, describeWebhooks } from "./registryStanding";
import { TestRegistry } from "./TestRegistry";
import { StopWebhooks, WebhookSetupDialog } from "./WebhookSetup";

type Task = "test" | "webhooks" | "stop";

/** How asking a registry goes, and what it tells by itself. */
export function RegistryStanding({ registry, types }: { registry: RegistryOut; types: RegistryTypes }) {
  const [task, setTask] = useState<Task | null>(null);
  const end = () => setTask(null);
  const hasWebhooks = registry.webhook_created_at !== null;
  return (
    <Card className="dl-before" component="section" aria-labelledby="standing-title">
      <CardHeader
        actions={{
          actions: (
            <Flex gap={{ default: "gapSm" }}>
              <Button variant="secondary" onClick={() => setTask("test")}>
                Test connection
              </Button>
              <Button variant="secondary" onClick={() => setTask("webhooks")}>
                {hasWebhooks ? "New webhook secret" : "Set up webhooks"}
              </Button>
              {hasWebhooks && (
                <Button variant="link" isDanger onClick={() => setTask("stop")}>
                  Take no webhooks
                </Button>
              )}
            </Flex>
          ),
          hasNoOffset: true,
        }}
      >
        <CardTitle component="h2" id="standing-title">
          Checks and webhooks
        </CardTitle>
      </CardHeader>
      <CardBody>
        <DescriptionList isHorizontal isCompact columnModifier={{ default: "1Col", xl: "2Col" }}>
          <Fact name="Last asked">
            <LastAsked registry={registry} />
          </Fact>
          <Fact name="Webhooks">
            {describeWebhooks(registry)}
            {hasWebhooks && <LastWebhooks registry={registry} />}
          </Fact>
          <Fact name="Checked">{describePace(registry)}</Fact>
          <Fact name="Traffic so far">{describeTraffic(registry)}</Fact>
        </DescriptionList>
      </CardBody>
      {task === "test" && <TestRegistry registry={registry} close={end} />}
      {task === "webhooks" && <WebhookSetupDialog registry={registry} types={types} close={end} />}
      {task === "stop" && <StopWebhooks registry={registry} close={end} />}
    </Card>
  );
}

function LastWebhooks({ registry }: { registry: RegistryOut }) {
  return (
    <div className="dl-subtle">
      {registry.webhook_accepted_at ? (
        <>
          last taken <Moment isRelative at={registry.webhook_accepted_at} />
        </>
      ) : (
        "none has come yet"
      )}
      {registry.webhook_refused_at && (
        <div>
          last refused <Moment isRelative at={registry.webhook_refused_at} />
          {registry.webhook_problem && `: ${registry.webhook_problem}`}
        </div>
      )}
    </div>
  );
}
