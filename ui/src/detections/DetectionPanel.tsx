import { DescriptionList, List, ListItem } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { getDetectionOptions, listExposureWindowsOptions } from "../api/generated/@tanstack/react-query.gen";
import type { DetectionDetail, DetectionRow, OccurrenceOut, StatusChange, WindowRow } from "../api/generated/types.gen";
import { StateLabel } from "../exposure/StateLabel";
import { exposureOf } from "../exposure/timeline";
import { parseWindowQuery, windowPath } from "../exposure/windowQuery";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { Responsible } from "../facts/Responsible";
import { SeverityMark } from "../facts/Severity";
import { visible } from "../facts/visible";
import { ImageName } from "../images/ImageName";
import { imagePath } from "../images/reference";
import { PanelActions, Section, SidePanel } from "../shell/SidePanel";
import { Notice, Refusal } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import type { DetectionAction } from "./actions";
import { commandOf } from "./command";
import { Workload } from "./detectionColumns";
import { STATUS_NAMES } from "./detectionQuery";
import { DetectionStatusLabel, ResponseLabel } from "./labels";
import { ProcessTree } from "./ProcessTree";
import { rulePath } from "./paths";

interface DetectionPanelProps {
  id: number;
  actionsOn: (detection: DetectionRow) => DetectionAction[];
  close: () => void;
}

/** One detection beside the list: what happened, where, what was done and what to do. */
export function DetectionPanel({ id, actionsOn, close }: DetectionPanelProps) {
  const query = useQuery(getDetectionOptions({ path: { detection_id: id } }));
  return (
    <SidePanel
      id="detection"
      title={query.data?.title ?? "Detection"}
      subject="this detection"
      width="40rem"
      query={query}
      close={close}
    >
      {(detection) => <Detection detection={detection} actions={actionsOn(detection)} />}
    </SidePanel>
  );
}

function Detection({ detection, actions }: { detection: DetectionDetail; actions: readonly DetectionAction[] }) {
  return (
    <div className="dl-part">
      <PanelActions actions={actions} />
      {detection.suppressed_by && (
        <Notice variant="warning" title={`Suppressed by ${detection.suppressed_by.created_by}`}>
          Until <Moment at={detection.suppressed_by.until} />: {detection.suppressed_by.reason}
        </Notice>
      )}
      <Facts detection={detection} />
      <Section id="tree" title="Process">
        <ProcessTree process={detection.process} ancestors={detection.ancestors} />
      </Section>
      <Section id="steps" title="What to do">
        <List component="ol">
          {detection.next_steps.map((step) => (
            <ListItem key={step}>{step}</ListItem>
          ))}
        </List>
      </Section>
      <Subject detection={detection} />
      <Exposure detection={detection} />
      <Section id="history" title="History">
        <DataTable
          label="History"
          columns={HISTORY}
          rows={detection.history}
          rowKey={(row, place) => `${row.at} ${place}`}
          empty="Nobody has done anything about it yet."
        />
      </Section>
      <Section id="occurrences" title="Latest occurrences">
        <DataTable
          label="Latest occurrences"
          columns={OCCURRENCES}
          rows={detection.occurrences}
          rowKey={(row, place) => `${row.at} ${place}`}
          empty="Single occurrences are kept for a week; these are older."
        />
      </Section>
    </div>
  );
}

function Facts({ detection }: { detection: DetectionDetail }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
      <Fact name="Severity">
        <SeverityMark severity={detection.severity} />
      </Fact>
      <Fact name="Status">
        <DetectionStatusLabel detection={detection} />
        {detection.status_by && (
          <div className="dl-subtle dl-break">
            by {detection.status_by}, <Moment at={detection.status_at} /> {detection.status_note}
          </div>
        )}
      </Fact>
      <Fact name="Response">
        <ResponseLabel response={detection.response} />
        <div className="dl-subtle">{detection.done}</div>
      </Fact>
      <Fact name="Seen">
        {detection.count === 1 ? "Once," : `${detection.count} times, last`} <Moment at={detection.last_at} />
        {detection.count > 1 && (
          <div className="dl-subtle">
            first <Moment at={detection.first_at} />
          </div>
        )}
      </Fact>
      <Fact name="Rule">
        <Link to={rulePath(detection.rule)} className="dl-break">
          {detection.rule}
        </Link>
      </Fact>
      {detection.techniques.length > 0 && (
        <Fact name="MITRE ATT&CK">
          {detection.techniques.map(({ id, link }) => (
            <div key={id}>
              {link ? (
                <a href={link} target="_blank" rel="noreferrer">
                  {id}
                </a>
              ) : (
                id
              )}
            </div>
          ))}
        </Fact>
      )}
      {Object.entries(detection.facts).map(([name, value]) => (
        <Fact key={name} name={detection.fact_labels[name] ?? name} hint={name}>
          <code className="dl-break">{visible(value)}</code>
        </Fact>
      ))}
    </DescriptionList>
  );
}

const UNOWNED = "Add a rule under Administration > Owners, or annotate the workload or its namespace.";

function Subject({ detection }: { detection: DetectionDetail }) {
  return (
    <Section id="subject" title="Where">
      <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
        <Fact name="Workload">
          {detection.workload ? (
            <>
              <Workload detection={detection} />
              <div className="dl-subtle dl-break">
                {detection.workload_kind} in {detection.namespace} on {detection.cluster}
              </div>
            </>
          ) : (
            `Not known: no controller has told of this container on ${detection.cluster}.`
          )}
        </Fact>
        {detection.image_tag_id !== null && (
          <Fact name="Image">
            <Link to={imagePath(detection.image_tag_id)}>
              <ImageName name={detection.image} />
            </Link>
          </Fact>
        )}
        {detection.pod && (
          <Fact name="Pod">
            {detection.pod}, container {detection.container}
          </Fact>
        )}
        <Fact name="Container">
          <code className="dl-break">{detection.container_id}</code>
        </Fact>
        <Fact name="Node">{detection.node_name}</Fact>
        <Fact name="Owner">
          <Responsible owner={detection.owner} unless={UNOWNED} />
        </Fact>
      </DescriptionList>
    </Section>
  );
}

const NO_WINDOW = "None: an exception covered it from the start, or nobody knows which workload and image it was.";

/** Since when it was or is live: the same windows as under Exposure Windows. */
function Exposure({ detection }: { detection: DetectionDetail }) {
  const query = { detection_id: detection.id, limit: WINDOWS_SHOWN };
  const { data, error } = useQuery(listExposureWindowsOptions({ query }));
  return (
    <Section id="exposure" title="Exposure windows">
      {error && !data ? (
        <Refusal title="The exposure windows could not be read" error={error} />
      ) : (
        <DataTable
          label="Exposure windows"
          columns={WINDOWS}
          rows={data?.windows}
          rowKey={(row) => String(row.id)}
          expectedRows={1}
          empty={NO_WINDOW}
        />
      )}
    </Section>
  );
}

const WINDOWS_SHOWN = 10;

const WINDOWS: readonly Column<WindowRow>[] = [
  {
    title: "Live since",
    width: 30,
    cell: (row) => (
      <Link to={windowPath(row.id, EVERY_WINDOW)}>
        <Moment at={row.opened_at} />
      </Link>
    ),
  },
  { title: "Exposure", width: 25, cell: (row) => exposureOf(row, new Date()) },
  {
    title: "Closed",
    cell: (row) =>
      row.closed_at ? (
        <>
          <Moment at={row.closed_at} />
          <div className="dl-subtle dl-break">{row.close_reason}</div>
        </>
      ) : (
        <StateLabel state={row.state} />
      ),
  },
];

const EVERY_WINDOW = parseWindowQuery(new URLSearchParams());

const HISTORY: readonly Column<StatusChange>[] = [
  { title: "Time", width: 25, cell: (row) => <Moment at={row.at} /> },
  { title: "Who", width: 20, cell: (row) => row.actor },
  {
    title: "What",
    cell: (row) => (
      <>
        {STATUS_NAMES[row.action]}
        {row.note && <div className="dl-subtle dl-break">{row.note}</div>}
      </>
    ),
  },
];

const OCCURRENCES: readonly Column<OccurrenceOut>[] = [
  {
    title: "Time",
    width: 25,
    cell: (row) => (
      <>
        <Moment at={row.at} />
        {row.count > 1 && <div className="dl-subtle">{row.count} times</div>}
      </>
    ),
  },
  { title: "Process", cell: (row) => <code className="dl-break">{commandOf(row.process)}</code> },
  {
    title: "Container",
    width: 25,
    cell: (row) => (
      <>
        <code>{row.container_id.slice(0, 12)}</code>
        <div className="dl-subtle">{row.node_name}</div>
      </>
    ),
  },
];
