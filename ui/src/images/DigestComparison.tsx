import { Grid, GridItem, Label, Panel, PanelMain, PanelMainBody } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { Digest } from "../facts/Digest";
import { imageName } from "./reference";
import { type Evidence, expectedDigestLabel, RUNTIME_DIGEST } from "./verdict";

/** The digest that runs beside the one the registry has. */
export function DigestComparison({ image, evidence }: { image: ImageTagDetail; evidence: Evidence }) {
  const expectedLabel = expectedDigestLabel(evidence.registryType);
  return (
    <Grid hasGutter>
      <Side label={RUNTIME_DIGEST}>
        <Digest digest={image.digest} name="runtime digest" />
      </Side>
      <Side label={expectedLabel}>
        <Expected image={image} evidence={evidence} />
      </Side>
    </Grid>
  );
}

function Expected({ image, evidence }: { image: ImageTagDetail; evidence: Evidence }) {
  const { verdict } = image;
  if (verdict.violation_type === "Missing Source") {
    return (
      <>
        <Label status="danger">Artifact Not Found</Label>
        <div className="dl-subtle dl-break">Registry path: {evidence.reference || imageName(image)}</div>
      </>
    );
  }
  if (verdict.expected_digest) {
    return <Digest digest={verdict.expected_digest} name="registry digest" />;
  }
  return <span className="dl-subtle">{verdict.status ? "Not asked for" : "Not known yet"}</span>;
}

function Side({ label, children }: { label: string; children: ReactNode }) {
  return (
    <GridItem md={6}>
      <Panel variant="bordered" className="dl-fill">
        <PanelMain>
          <PanelMainBody>
            <h3 className="dl-term">{label}</h3>
            {children}
          </PanelMainBody>
        </PanelMain>
      </Panel>
    </GridItem>
  );
}
