import { DescriptionList, Panel, PanelMain, PanelMainBody } from "@patternfly/react-core";
import type { BuildProvenanceOut, ProvenanceOut } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { isWebAddress, sourceLink } from "./signatures";
import { Voucher } from "./Voucher";

/** The builds that are said to have made an image, those somebody vouches for first. */
export function ProvenanceList({ provenance }: { provenance: readonly ProvenanceOut[] }) {
  if (provenance.length === 0) {
    return (
      <p>
        Nothing attached says how the image was built. BuildKit attaches it with <code>--provenance=true</code>, GitHub
        Actions with <code>actions/attest-build-provenance</code>.
      </p>
    );
  }
  return provenance.map((item, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the same may be said twice
    <Panel key={place} variant="bordered">
      <PanelMain>
        <PanelMainBody>
          <DescriptionList
            isCompact
            isHorizontal
            horizontalTermWidthModifier={{ default: "18ch" }}
            columnModifier={{ "2xl": "2Col" }}
          >
            <Fact name="Vouched for by">
              <Voucher signature={item.signature} />
            </Fact>
            <Build build={item.build} />
          </DescriptionList>
        </PanelMainBody>
      </PanelMain>
    </Panel>
  ));
}

function Build({ build }: { build: BuildProvenanceOut }) {
  const source = sourceLink(build);
  return (
    <>
      <Said name="Builder" text={build.builder} to={build.builder} />
      <Said name="Source repository" text={build.source_url} to={build.source_url} />
      <Said name="Revision" text={build.revision} to={source === build.source_url ? "" : source} />
      <Said name="Workflow" text={build.workflow} />
      <Said name="Started by" text={build.actor} />
      <Said name="Build run" text={build.run_url} to={build.run_url} />
      {build.started_at && (
        <Fact name="Started">
          <Moment at={build.started_at} />
        </Fact>
      )}
      {build.finished_at && (
        <Fact name="Finished">
          <Moment at={build.finished_at} />
        </Fact>
      )}
      <Said name="Build type" text={build.build_type} />
      <Said name="Format" text={build.predicate_type} />
    </>
  );
}

interface SaidProps {
  name: string;
  /** Nothing is shown where nothing is said. */
  text: string;
  /** The page about it, where there is one. */
  to?: string;
}

function Said({ name, text, to = "" }: SaidProps) {
  if (text === "") {
    return null;
  }
  return (
    <Fact name={name}>
      {isWebAddress(to) ? (
        <a className="dl-break" href={to} target="_blank" rel="noreferrer">
          {text}
        </a>
      ) : (
        <span className="dl-break">{text}</span>
      )}
    </Fact>
  );
}
