import { Button, Card, CardBody, CardFooter, CardHeader, CardTitle, DescriptionList } from "@patternfly/react-core";
import CopyIcon from "@patternfly/react-icons/dist/esm/icons/copy-icon";
import { Link } from "react-router";
import type { AttributionOut, ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { copyText } from "../facts/copyText";
import { Fact } from "../facts/Fact";
import { Person } from "../facts/Person";
import { useToast } from "../shell/Toasts";
import { issueText, issueTitle } from "./issueText";

interface OwnersCardProps {
  image: ImageTagDetail;
  /** Undefined where they could not be loaded. */
  workloads: readonly WorkloadRow[] | undefined;
}

/** Who to turn to, and what to tell them. */
export function OwnersCard({ image, workloads }: OwnersCardProps) {
  const say = useToast();
  const body = issueText(image, workloads ?? [], window.location.href);
  const message = { subject: issueTitle(image), body };
  const copy = async () => {
    await copyText(body);
    say({ variant: "success", title: "Issue text copied", body: "Paste it into your tracking system." });
  };
  return (
    <Card isFullHeight component="section" aria-labelledby="owners-title">
      <CardHeader>
        <CardTitle component="h2" id="owners-title">
          Owners
        </CardTitle>
      </CardHeader>
      <CardBody>
        <DescriptionList isCompact>
          <Fact name="Build Owner">
            <Person
              attribution={image.build_owner}
              message={message}
              unless={
                <>
                  The image does not say. <Link to="/admin/registries">Connect its registry</Link> so that its labels
                  can be read, and label images with <code>org.opencontainers.image.authors</code> when they are built.
                </>
              }
            />
          </Fact>
          <Fact name="Deployed By">
            {workloads === undefined && "The workloads, which say so, could not be loaded."}
            {workloads &&
              deployers(workloads).map((deployer) => (
                <div key={deployer?.value ?? ""}>
                  <Person
                    attribution={deployer}
                    message={message}
                    unless={
                      <>
                        No workload says. Annotate workloads with <code>deadlight.io/deployed-by</code>, or deploy them
                        with Argo CD, Flux or Helm.
                      </>
                    }
                  />
                </div>
              ))}
          </Fact>
        </DescriptionList>
      </CardBody>
      <CardFooter>
        <Button variant="secondary" icon={<CopyIcon />} onClick={() => void copy()}>
          Copy issue text
        </Button>
      </CardFooter>
    </Card>
  );
}

/** Each deployer once; a single unknown one where no workload says. */
function deployers(workloads: readonly WorkloadRow[]): readonly (AttributionOut | null)[] {
  const known = new Map<string, AttributionOut>();
  for (const { deployed_by: deployer } of workloads) {
    if (deployer) {
      known.set(deployer.value, deployer);
    }
  }
  return known.size > 0 ? [...known.values()] : [null];
}
