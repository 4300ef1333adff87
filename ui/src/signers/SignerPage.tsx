import { PageSection, Skeleton } from "@patternfly/react-core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import {
  addSignerMutation,
  changeSignerMutation,
  listSignersOptions,
  listSignersQueryKey,
} from "../api/generated/@tanstack/react-query.gen";
import type { SignerOut } from "../api/generated/types.gen";
import { Problem } from "../api/problem";
import { useSaved } from "../forms/useSaved";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { SignerForm } from "./SignerForm";
import { bodyOf, draftOf, NEW_SIGNER, SIGNERS } from "./signerDraft";

const ABOVE = { title: "Signers", path: SIGNERS };
const SAVED = {
  body: "Signatures of running images are looked at again.",
  list: SIGNERS,
  queryKey: listSignersQueryKey(),
};

export function NewSignerPage() {
  const saved = useSaved({ ...SAVED, title: "Signer added" });
  const adding = useMutation({ ...addSignerMutation(), onSuccess: saved });
  return (
    <>
      <PageHead title="Add a signer" above={[ABOVE]} />
      <PageSection isFilled>
        <SignerForm
          isNew
          initial={NEW_SIGNER}
          isPending={adding.isPending}
          error={adding.error}
          save={(draft) => adding.mutate({ body: bodyOf(draft) })}
        />
      </PageSection>
    </>
  );
}

/** The service lists signers and has none by itself, so the one meant is looked up in the list. */
export function SignerPage() {
  const id = Number(useParams().signerId);
  const { data, error, refetch } = useQuery(listSignersOptions());
  const signer = data?.find((item) => item.id === id);
  const missing = data && !signer ? new Problem(404, "not_found", "There is no such signer.") : null;
  const failure = data ? missing : error;
  if (failure) {
    return <PageFailure subject="this signer" error={failure} retry={() => void refetch()} list={ABOVE} />;
  }
  return (
    <>
      <PageHead title={signer?.name ?? "Signer"} above={[ABOVE]} />
      <PageSection isFilled>
        {signer ? <ChangeSigner signer={signer} /> : <Skeleton height="40rem" screenreaderText="Loading" />}
      </PageSection>
    </>
  );
}

function ChangeSigner({ signer }: { signer: SignerOut }) {
  const saved = useSaved({ ...SAVED, title: "Signer saved" });
  const changing = useMutation({ ...changeSignerMutation(), onSuccess: saved });
  return (
    <SignerForm
      isNew={false}
      initial={draftOf(signer)}
      isPending={changing.isPending}
      error={changing.error}
      save={(draft) => changing.mutate({ path: { signer_id: signer.id }, body: bodyOf(draft) })}
    />
  );
}
