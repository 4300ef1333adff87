import { Card, CardBody, CardHeader, CardTitle, Label, type LabelProps } from "@patternfly/react-core";
import type { ReactNode } from "react";

interface StatusCardProps {
  title: string;
  /** The status in its exact, documented spelling. */
  value: string;
  status: LabelProps["status"];
  /** What the status rests on. */
  children: ReactNode;
  /** What to do; empty when there is nothing to do. */
  advice: string;
}

/** One of the two indicators of how far the figures can be relied on. */
export function StatusCard({ title, value, status, children, advice }: StatusCardProps) {
  const id = `status-${title.replaceAll(" ", "-")}`;
  return (
    <Card isFullHeight component="section" aria-labelledby={id}>
      <CardHeader>
        <CardTitle component="h2" id={id}>
          {title}
        </CardTitle>
      </CardHeader>
      <CardBody>
        <Label status={status}>{value}</Label> {children}
        {advice && <p className="dl-subtle">{advice}</p>}
      </CardBody>
    </Card>
  );
}
