import { CodeBlock, CodeBlockCode, DescriptionList, ExpandableSection } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { getAlertOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AlertDetail, DeliveryOut } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { SidePanel } from "../shell/SidePanel";
import { type Column, DataTable } from "../table/DataTable";
import { AlertStatusLabel } from "./AlertStatusLabel";
import { ALERTS_INTERVAL_MILLISECONDS } from "./alerts";
import { Redeliver } from "./Redeliver";

/** One alert beside the log: every attempt to deliver it, and what it says. */
export function AlertPanel({ id, close }: { id: string; close: () => void }) {
  const query = useQuery({
    ...getAlertOptions({ path: { alert_id: id } }),
    refetchInterval: ALERTS_INTERVAL_MILLISECONDS,
  });
  return (
    <SidePanel
      id="alert"
      title={query.data?.title ?? "Alert"}
      subject="this alert"
      width="36rem"
      height="12rem"
      query={query}
      close={close}
    >
      {(alert) => <Alert alert={alert} />}
    </SidePanel>
  );
}

const ATTEMPT_COLUMNS: readonly Column<DeliveryOut>[] = [
  { title: "Attempt", isNarrow: true, cell: (row) => row.attempt },
  { title: "Time", width: 30, cell: (row) => <Moment at={row.started_at} /> },
  {
    title: "Outcome",
    width: 50,
    cell: (row) => (
      <>
        {row.outcome}
        {row.status_code !== null && ` (${row.status_code})`}
        {row.response && <div className="dl-evidence">{row.response}</div>}
      </>
    ),
  },
];

function Alert({ alert }: { alert: AlertDetail }) {
  return (
    <>
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "12ch" }}>
        <Fact name="Status">
          <AlertStatusLabel status={alert.status} /> <Redeliver alert={alert} />
        </Fact>
        {alert.problem && <Fact name="Problem">{alert.problem}</Fact>}
        <Fact name="Event">{alert.event_type}</Fact>
        <Fact name="Worker">{alert.worker}</Fact>
        <Fact name="Destination">{alert.destination}</Fact>
        {alert.recipients.length > 0 && <Fact name="Sent to the owner">{alert.recipients.join(", ")}</Fact>}
        <Fact name="Made at">
          <Moment at={alert.created_at} />
        </Fact>
        {alert.delivered_at && (
          <Fact name="Delivered at">
            <Moment at={alert.delivered_at} />
          </Fact>
        )}
        {alert.status === "pending" && (
          <Fact name="Next attempt">
            <Moment at={alert.next_attempt_at} />
          </Fact>
        )}
      </DescriptionList>
      <div className="dl-after">
        <DataTable
          label="Attempts"
          columns={ATTEMPT_COLUMNS}
          rows={alert.deliveries}
          rowKey={(row) => String(row.attempt)}
          empty="No attempt has been made yet."
        />
      </div>
      <ExpandableSection toggleText="What it says">
        <CodeBlock>
          <CodeBlockCode>{JSON.stringify(alert.body, null, 2)}</CodeBlockCode>
        </CodeBlock>
      </ExpandableSection>
    </>
  );
}
