import { Bullseye, Card, CardBody, CardHeader, Content, Stack, StackItem, Title } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Porthole } from "../shell/Porthole";
import { Refusal } from "../states/Notice";

interface DoorPageProps {
  title: string;
  description?: string;
  problem: unknown;
  problemTitle: string;
  children: ReactNode;
}

/** What is shown before anything else can be: signing in and choosing a password. */
export function DoorPage({ title, description, problem, problemTitle, children }: DoorPageProps) {
  return (
    <main className="dl-whole-page">
      <title>{`${title} · Deadlight`}</title>
      <Bullseye>
        <Card className="dl-door" isLarge>
          <CardHeader>
            <div className="dl-brand">
              <Porthole size={40} />
              Deadlight
            </div>
          </CardHeader>
          <CardBody>
            <Stack hasGutter>
              <StackItem>
                <Title headingLevel="h1" size="lg">
                  {title}
                </Title>
                {description && <Content component="p">{description}</Content>}
              </StackItem>
              <StackItem>
                <Refusal title={problemTitle} error={problem} />
              </StackItem>
              <StackItem>{children}</StackItem>
            </Stack>
          </CardBody>
        </Card>
      </Bullseye>
    </main>
  );
}
