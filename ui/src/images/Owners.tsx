import { Link } from "react-router";
import type { ImageTagDetail } from "../api/generated/types.gen";
import { Person } from "../facts/Person";

/** What a mail to a person starts with. */
export interface Message {
  subject: string;
  body: string;
}

interface OwnerProps {
  image: ImageTagDetail;
  message: Message | undefined;
}

/** Who built the image, or what to do so that it is known. */
export function BuildOwner({ image, message }: OwnerProps) {
  return (
    <Person
      attribution={image.build_owner}
      message={message}
      unless={
        <>
          The image does not say. <Link to="/admin/registries">Connect its registry</Link> so that its labels can be
          read, and label images with <code>org.opencontainers.image.authors</code> when they are built.
        </>
      }
    />
  );
}

/** Everybody who deployed the image somewhere, or what to do so that it is known. */
export function DeployedBy({ image, message }: OwnerProps) {
  const unless = image.workloads_count ? (
    <>
      No workload says. Annotate workloads with <code>deadlight.io/deployed-by</code>, or deploy them with Argo CD, Flux
      or Helm.
    </>
  ) : (
    "No workload has it now."
  );
  const people = image.deployed_by.length > 0 ? image.deployed_by : [null];
  return people.map((person) => (
    <div key={person?.value ?? ""}>
      <Person attribution={person} message={message} unless={unless} />
    </div>
  ));
}
