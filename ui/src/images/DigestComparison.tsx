import { Grid, GridItem, Label, Panel, PanelMain, PanelMainBody } from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { Copyable } from "../facts/Copyable";
import { Digest } from "../facts/Digest";
import { imageName } from "./reference";
import { RUNTIME_DIGEST, readEvidence } from "./verdict";

/** The digest that runs beside the one the registry has. */
export function DigestComparison({ image }: { image: ImageTagDetail }) {
  return (
    <Grid hasGutter>
      <Side label={RUNTIME_DIGEST}>
        <Digest digest={image.digest} name="runtime digest" />
      </Side>
      <Side label={image.source.expected_digest_label}>
        <Expected image={image} />
      </Side>
    </Grid>
  );
}

function Expected({ image }: { image: ImageTagDetail }) {
  const { verdict } = image;
  if (verdict.violation_type === "Missing Source") {
    return (
      <>
        <Label status="danger">Artifact Not Found</Label>
        <div className="dl-after">
          <span className="dl-term">Registry Path</span>{" "}
          <Copyable text={readEvidence(verdict.evidence).reference || imageName(image)} name="registry path" />
        </div>
      </>
    );
  }
  if (verdict.expected_digest) {
    return <Digest digest={verdict.expected_digest} name="registry digest" link={verdict.expected_link} />;
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
