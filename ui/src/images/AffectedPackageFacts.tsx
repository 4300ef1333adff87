import { Content, DescriptionList, Panel, PanelMain, PanelMainBody, Title } from "@patternfly/react-core";
import type { AffectedPackage, CoverageOut } from "../api/generated/types.gen";
import { ApplicabilityLabel } from "../facts/ApplicabilityLabel";
import { CoverageNote } from "../facts/CoverageNote";
import { describeEvidence } from "../facts/evidence";
import { Fact } from "../facts/Fact";
import { InUse } from "../facts/InUse";
import { Moment } from "../facts/Moment";
import { readCodeEvidence, unexplained } from "./findings";

interface AffectedPackageProps {
  item: AffectedPackage;
  /** Of the image: what it rests on that a package was not seen in use. */
  coverage: CoverageOut;
}

/** A package that brings a vulnerability along: its versions, whether the flaw can be reached, whether it is in use. */
export function AffectedPackageFacts({ item, coverage }: AffectedPackageProps) {
  return (
    <Panel variant="bordered">
      <PanelMain>
        <PanelMainBody className="dl-part">
          <Title headingLevel="h4" className="dl-break">
            {item.name}
          </Title>
          <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "14ch" }}>
            <Fact name="Version">{item.version}</Fact>
            <Fact name="Fix Version">{item.fix_version || "None known"}</Fact>
            <Fact name="Contextual Analysis">
              <ContextualAnalysis item={item} />
            </Fact>
            <Fact name="In use">
              <Use item={item} coverage={coverage} />
            </Fact>
            <Fact name="Ecosystem">{item.ecosystem}</Fact>
            <Fact name="Package URL">
              <code className="dl-break">{item.purl}</code>
            </Fact>
            <Fact name="Found in">
              {item.locations.map((location) => (
                <div key={location} className="dl-evidence">
                  {location}
                </div>
              ))}
            </Fact>
            <Fact name="Layer">
              <code className="dl-break">{item.layer_digest}</code>
            </Fact>
            <Fact name="According to">{item.advisories.join(", ")}</Fact>
          </DescriptionList>
        </PanelMainBody>
      </PanelMain>
    </Panel>
  );
}

function ContextualAnalysis({ item }: { item: AffectedPackage }) {
  const places = item.applicability_evidence.map(readCodeEvidence);
  return (
    <>
      <ApplicabilityLabel applicability={item.applicability} />
      <Content component="p">{item.applicability_reason || unexplained(item.applicability)}</Content>
      {places.map((place) => (
        <DescriptionList
          key={JSON.stringify(place)}
          isCompact
          isHorizontal
          horizontalTermWidthModifier={{ default: "8ch" }}
          className="dl-after"
        >
          <Fact name="Path">
            <code className="dl-break">{place.path}</code>
          </Fact>
          <Fact name="Location">{place.location}</Fact>
          <Fact name="Evidence">
            {place.location ? "calls" : "links"} <code className="dl-break">{place.call}</code>
            {place.rule && (
              <div className="dl-subtle">
                {place.location ? "rule" : "according to"} {place.rule}
              </div>
            )}
          </Fact>
        </DescriptionList>
      ))}
    </>
  );
}

function Use({ item, coverage }: AffectedPackageProps) {
  return (
    <>
      <InUse
        grade={item.grade}
        path={item.evidence_path}
        process={item.evidence_process}
        readByTool={item.read_by_tool}
      />
      <div className="dl-subtle dl-break">{describeEvidence(item)}</div>
      {item.first_seen_running_at && (
        <div className="dl-subtle">
          from <Moment at={item.first_seen_running_at} /> to <Moment at={item.last_seen_running_at} />
        </div>
      )}
      {item.grade === null && (
        <div className="dl-after">
          <CoverageNote coverage={coverage} />
        </div>
      )}
    </>
  );
}
