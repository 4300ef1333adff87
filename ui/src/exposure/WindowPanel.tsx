import { DescriptionList } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { getExposureWindowOptions } from "../api/generated/@tanstack/react-query.gen";
import type { Action, ActionOut, OpenedBasis, WindowDetail, WindowRow } from "../api/generated/types.gen";
import { DETECTIONS_PATH } from "../detections/paths";
import { Digest } from "../facts/Digest";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { Person } from "../facts/Person";
import { WINDOW_RISK_NAMES } from "../facts/risks";
import { SeverityMark } from "../facts/Severity";
import { ImageName } from "../images/ImageName";
import { imagePath } from "../images/reference";
import { PanelActions, Section, SidePanel } from "../shell/SidePanel";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import type { WindowAction } from "./actions";
import { StateLabel } from "./StateLabel";
import { Timeline } from "./Timeline";
import { exposureOf } from "./timeline";
import { type WindowQuery, windowPath } from "./windowQuery";

interface WindowPanelProps {
  id: number;
  query: WindowQuery;
  actionsOn: (window: WindowRow) => WindowAction[];
  close: () => void;
}

/** One window beside the list: its moments, whom to ask and what was done about it. */
export function WindowPanel({ id, query, actionsOn, close }: WindowPanelProps) {
  const asked = useQuery(getExposureWindowOptions({ path: { window_id: id } }));
  return (
    <SidePanel
      id="window"
      title={asked.data ? titleOf(asked.data) : "Exposure window"}
      subject="this window"
      width="36rem"
      query={asked}
      close={close}
    >
      {(window) => <Window window={window} query={query} actions={actionsOn(window)} />}
    </SidePanel>
  );
}

function titleOf({ detection, violation_type, risk, workload }: WindowDetail): string {
  return `${detection?.title ?? violation_type ?? WINDOW_RISK_NAMES[risk]}: ${workload}`;
}

const BASES: Record<OpenedBasis, string> = {
  deployed: "when the image was deployed",
  tag_pushed: "when the tag was pushed, as the registry says",
  tag_changed: "when the tag was seen to have moved",
  last_seen_present: "when the registry last had the image",
  published: "when the vulnerability was published",
  matched: "when the vulnerability was first matched",
  fired: "when the threat rule first matched, as the sensor says",
  reopened: "when the previous window closed",
  detected: "when it was detected: nothing earlier is known",
};

const ACTION_NAMES: Record<Action, string> = {
  acknowledged: "Acknowledged",
  unacknowledged: "Took acknowledgement back",
  suppressed: "Suppressed",
  unsuppressed: "Ended suppression",
  expired: "Suppression expired",
};

const HISTORY: readonly Column<ActionOut>[] = [
  { title: "Time", width: 25, cell: (row) => <Moment at={row.at} /> },
  { title: "Who", width: 20, cell: (row) => row.actor || "Deadlight" },
  {
    title: "What",
    cell: (row) => (
      <>
        {ACTION_NAMES[row.action]}
        {row.until && (
          <>
            {" until "}
            <Moment at={row.until} />
          </>
        )}
        {row.note && <div className="dl-subtle dl-break">{row.note}</div>}
      </>
    ),
  },
];

interface PartProps {
  window: WindowDetail;
  query: WindowQuery;
  actions: readonly WindowAction[];
}

function Window({ window, query, actions }: PartProps) {
  return (
    <div className="dl-part">
      <PanelActions actions={actions} />
      {window.risk === "threat" && window.closed_at === null && (
        <Notice variant="info" isPlain title="A threat's window follows its detection">
          Acknowledge or resolve the detection, or add an exception for it. It closes by itself once none of the
          containers is there any more, and of a CronJob once a later run ended without it.
        </Notice>
      )}
      {window.suppression && (
        <Notice variant="warning" title={`Suppressed by ${window.suppression.suppressed_by}`}>
          Until <Moment at={window.suppression.until} />: {window.suppression.reason}
        </Notice>
      )}
      <Timeline window={window} />
      <Moments window={window} />
      <Subject window={window} />
      <Section id="history" title="History">
        <DataTable
          label="History"
          columns={HISTORY}
          rows={window.history}
          rowKey={(row) => `${row.at} ${row.action}`}
          empty="Nobody has done anything about it yet."
        />
      </Section>
      {window.earlier.length > 0 && <Earlier window={window} query={query} />}
    </div>
  );
}

function Moments({ window }: { window: WindowDetail }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
      <Fact name="State">
        <StateLabel state={window.state} />
      </Fact>
      <Fact name="Live since">
        <Moment at={window.opened_at} />
        <div className="dl-subtle">{BASES[window.opened_basis]}</div>
      </Fact>
      <Fact name="Detected">
        <Moment at={window.detected_at} />
        {window.repaired && <div className="dl-subtle">by the sweep: the event that should have told was missed</div>}
      </Fact>
      <Fact name="Notified">
        {window.notified_at ? <Moment at={window.notified_at} /> : "No alert about it has been delivered."}
      </Fact>
      <Fact name="Acknowledged">
        {window.acknowledged_at ? (
          <>
            <Moment at={window.acknowledged_at} /> by {window.acknowledged_by}
            {window.acknowledge_note && <div className="dl-subtle dl-break">{window.acknowledge_note}</div>}
          </>
        ) : (
          "Nobody has."
        )}
      </Fact>
      <Fact name="Closed">
        {window.closed_at ? (
          <>
            <Moment at={window.closed_at} />
            <div className="dl-subtle">{window.close_reason}</div>
          </>
        ) : (
          "Not yet."
        )}
      </Fact>
    </DescriptionList>
  );
}

function Subject({ window }: { window: WindowDetail }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
      <Fact name="Risk">{WINDOW_RISK_NAMES[window.risk]}</Fact>
      {window.detection && (
        <Fact name="Detection">
          <SeverityMark severity={window.detection.severity}>
            <Link to={`${DETECTIONS_PATH}/${window.detection.id}`} className="dl-break">
              {window.detection.title}
            </Link>
          </SeverityMark>
        </Fact>
      )}
      {window.reason && <Fact name="Reason">{window.reason}</Fact>}
      {window.vulnerabilities.length > 0 && <Fact name="Vulnerabilities">{window.vulnerabilities.join(", ")}</Fact>}
      <Fact name="Workload">
        <span className="dl-break">
          {window.kind} {window.namespace}/{window.workload} on {window.cluster}
        </span>
      </Fact>
      <Fact name="Image">
        <Link to={imagePath(window.image_tag_id)}>
          <ImageName name={window.image} />
        </Link>
      </Fact>
      <Fact name="Runs">
        <Digest name="Running digest" digest={window.digest} />
      </Fact>
      {window.registry_digest && (
        <Fact name="Registry has">
          <Digest name="Registry digest" digest={window.registry_digest} />
        </Fact>
      )}
      <Fact name="Team">{window.team || "None: see the documentation on teams."}</Fact>
      <Fact name="Build Owner">
        <Person attribution={window.build_owner} unless="The image does not say." />
      </Fact>
      <Fact name="Deployed By">
        <Person attribution={window.deployed_by} unless="The workload does not say." />
      </Fact>
    </DescriptionList>
  );
}

function Earlier({ window, query }: Pick<PartProps, "window" | "query">) {
  return (
    <Section id="earlier" title="Before">
      <ul>
        {window.earlier.map((item) => (
          <li key={item.id}>
            <Link to={windowPath(item.id, query)}>
              <Moment at={item.opened_at} />
            </Link>{" "}
            <span className="dl-subtle">
              {exposureOf(
                { ...item, detected_at: item.opened_at, notified_at: null, acknowledged_at: null },
                new Date(),
              )}
              , {item.close_reason}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
