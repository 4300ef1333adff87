import { Content, DescriptionList, List, ListItem, Title } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { getImageTagVulnerabilityOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AdvisoryOut, AffectedPackage, FindingDetail } from "../api/generated/types.gen";
import { describeEpss, describeExploitation } from "../facts/exploitation";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { SeverityMark } from "../facts/Severity";
import { SidePanel } from "../shell/SidePanel";
import { type Column, DataTable } from "../table/DataTable";
import { AffectedPackageFacts } from "./AffectedPackageFacts";
import { advisoryLink } from "./findings";

interface FindingPanelProps {
  imageTagId: number;
  vulnerability: string;
  close: () => void;
}

/** One vulnerability beside the list: what it is, why it matters in this image, and who says so. */
export function FindingPanel({ imageTagId, vulnerability, close }: FindingPanelProps) {
  const path = { image_tag_id: imageTagId, vulnerability };
  const query = useQuery(getImageTagVulnerabilityOptions({ path }));
  return (
    <SidePanel
      id="finding"
      title={vulnerability}
      subject="this vulnerability"
      width="34rem"
      height="24rem"
      query={query}
      close={close}
    >
      {(finding) => <Finding finding={finding} />}
    </SidePanel>
  );
}

function Finding({ finding }: { finding: FindingDetail }) {
  return (
    <div className="dl-part">
      <FindingFacts finding={finding} />
      <Section title="Package Details">
        {finding.packages.map((item: AffectedPackage) => (
          <AffectedPackageFacts key={item.package_id} item={item} coverage={finding.coverage} />
        ))}
      </Section>
      <Section title="Public Sources">
        <DataTable
          label="Advisories"
          columns={ADVISORY_COLUMNS}
          rows={finding.advisories}
          rowKey={(row) => row.id}
          empty="No advisory stands behind this any more."
        />
        {finding.references.length > 0 && (
          <List isPlain aria-label="References">
            {finding.references.map((url) => (
              <ListItem key={url}>
                <a className="dl-break" href={url} target="_blank" rel="noreferrer">
                  {url}
                </a>
              </ListItem>
            ))}
          </List>
        )}
      </Section>
    </div>
  );
}

function FindingFacts({ finding }: { finding: FindingDetail }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
      <Fact name="Severity">
        <SeverityMark severity={finding.severity} />
        <div className="dl-subtle">
          {finding.severity_source ? `according to ${finding.severity_source}` : "no source rates it"}
        </div>
      </Fact>
      <Fact name="CVSS">
        {finding.cvss_score?.toFixed(1) ?? "No score"}
        {finding.cvss_vector && (
          <div>
            <code className="dl-break">{finding.cvss_vector}</code>
          </div>
        )}
      </Fact>
      <Fact name="Exploitation">
        {finding.exploitation ? describeExploitation(finding.exploitation) : "Not known to be exploited"}
        {finding.epss && <div className="dl-subtle">{describeEpss(finding.epss)}</div>}
      </Fact>
      <Fact name="Summary">
        <Content component="p">{finding.summary || "The advisories have none."}</Content>
      </Fact>
      {finding.aliases.length > 0 && <Fact name="Also known as">{finding.aliases.join(", ")}</Fact>}
      {finding.published_at && (
        <Fact name="Published">
          <Moment at={finding.published_at} />
        </Fact>
      )}
    </DescriptionList>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="dl-part">
      <Title headingLevel="h3">{title}</Title>
      {children}
    </section>
  );
}

const ADVISORY_COLUMNS: readonly Column<AdvisoryOut>[] = [
  { title: "Advisory", width: 40, cell: (row) => <AdvisoryName id={row.id} /> },
  { title: "Severity", isNarrow: true, cell: (row) => <SeverityMark severity={row.severity} /> },
  { title: "CVSS", isNarrow: true, cell: (row) => row.cvss_score?.toFixed(1) ?? "–" },
  { title: "Changed", cell: (row) => <Moment at={row.modified_at ?? row.published_at} /> },
];

/** Where to read an advisory; those of the demonstration are nowhere else. */
function AdvisoryName({ id }: { id: string }) {
  const link = advisoryLink(id);
  return link ? (
    <a className="dl-break" href={link} target="_blank" rel="noreferrer">
      {id}
    </a>
  ) : (
    id
  );
}
