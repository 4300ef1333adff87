import { Button, Label, LabelGroup, PageSection } from "@patternfly/react-core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import {
  listSignersOptions,
  listSignersQueryKey,
  removeSignerMutation,
} from "../api/generated/@tanstack/react-query.gen";
import type { SignerOut } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Confirmation } from "../forms/Confirmation";
import { useMay } from "../session/session";
import { PageHead } from "../shell/PageHead";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import { type Column, DataTable } from "../table/DataTable";
import { RowActions } from "../table/RowActions";
import { SIGNERS } from "./signerDraft";

/** Administration > Signers. */
export function SignersPage() {
  const mayChange = useMay("admin");
  const { data, error, refetch } = useQuery(listSignersOptions());
  const [removed, setRemoved] = useState<SignerOut | null>(null);
  const add = mayChange && <Button component={(link) => <Link {...link} to={`${SIGNERS}/new`} />}>Add signer</Button>;
  return (
    <>
      <PageHead
        title="Signers"
        description="Whose signatures on images count. Signatures are evidence of who built an image; no verdict depends on them."
        actions={add}
      />
      <PageSection isFilled aria-label="Signers">
        {error && !data ? (
          <Failure subject="the signers" error={error} retry={() => void refetch()} />
        ) : (
          <DataTable
            label="Signers"
            columns={mayChange ? [...COLUMNS, actionsColumn(setRemoved)] : COLUMNS}
            rows={data}
            rowKey={(row) => String(row.id)}
            empty={
              <NothingYet title="Nobody's signature counts yet" actions={add}>
                Signed images show as signed by somebody who is not trusted. Add the public keys and the workflows that
                sign your images.
              </NothingYet>
            }
          />
        )}
      </PageSection>
      {removed && <RemoveSigner signer={removed} close={() => setRemoved(null)} />}
    </>
  );
}

const COLUMNS: readonly Column<SignerOut>[] = [
  { title: "Name", width: 20, cell: (row) => <SignerName signer={row} /> },
  {
    title: "Signs with",
    width: 35,
    cell: (row) =>
      row.identity ? (
        <>
          {row.identity}
          <div className="dl-subtle">vouched for by {row.issuer}</div>
        </>
      ) : (
        "A public key"
      ),
  },
  {
    title: "Repositories",
    cell: (row) => (
      <LabelGroup aria-label={`Repositories of ${row.name}`} numLabels={3}>
        {(row.repositories ?? []).map((pattern) => (
          <Label key={pattern} isCompact variant="outline">
            {pattern}
          </Label>
        ))}
      </LabelGroup>
    ),
  },
  { title: "Added", isNarrow: true, cell: (row) => <Moment isRelative at={row.created_at} /> },
];

function SignerName({ signer }: { signer: SignerOut }) {
  return useMay("admin") ? <Link to={`${SIGNERS}/${signer.id}`}>{signer.name}</Link> : signer.name;
}

function actionsColumn(remove: (signer: SignerOut) => void): Column<SignerOut> {
  return {
    title: "Actions",
    isUntitled: true,
    isNarrow: true,
    cell: (row) => <SignerActions signer={row} remove={remove} />,
  };
}

function SignerActions({ signer, remove }: { signer: SignerOut; remove: (signer: SignerOut) => void }) {
  const navigate = useNavigate();
  return (
    <RowActions
      subject={signer.name}
      actions={[
        { title: "Edit", act: () => void navigate(`${SIGNERS}/${signer.id}`) },
        { title: "Remove", act: () => remove(signer), isDanger: true },
      ]}
    />
  );
}

function RemoveSigner({ signer, close }: { signer: SignerOut; close: () => void }) {
  const queryClient = useQueryClient();
  const removing = useMutation({
    ...removeSignerMutation(),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: listSignersQueryKey() });
      close();
    },
  });
  return (
    <Confirmation
      title={`Remove ${signer.name}?`}
      action="Remove"
      isPending={removing.isPending}
      error={removing.error}
      confirm={() => removing.mutate({ path: { signer_id: signer.id } })}
      cancel={close}
    >
      Images that only {signer.name} signed will show as signed by somebody who is not trusted.
    </Confirmation>
  );
}
