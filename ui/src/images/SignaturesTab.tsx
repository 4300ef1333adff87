import { Label, Title } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { getImageTagAttestationsOptions } from "../api/generated/@tanstack/react-query.gen";
import type { AttestationOut, DocumentOut, ImageTagDetail, SignatureOut } from "../api/generated/types.gen";
import { Command } from "../facts/Command";
import { Digest } from "../facts/Digest";
import { shortDigest } from "../facts/digest";
import { Moment } from "../facts/Moment";
import { sentence } from "../facts/sentence";
import { readableSize } from "../facts/size";
import { useMay } from "../session/session";
import { Failure } from "../states/Failure";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { ProvenanceList } from "./ProvenanceList";
import { describeSignatures, logText, METHODS, signatureName, signatureStatus, signerName } from "./signatures";
import { Voucher } from "./Voucher";

const SIGNATURE_COLUMNS: readonly Column<SignatureOut>[] = [
  {
    title: "Signature",
    isNarrow: true,
    cell: (row) => (
      <Label isCompact status={signatureStatus(row)}>
        {signatureName(row)}
      </Label>
    ),
  },
  {
    title: "Signed by",
    cell: (row) => (
      <span className="dl-break">
        {signerName(row)}
        {row.issuer && <div className="dl-subtle">vouched for by {row.issuer}</div>}
        {row.detail && <div>{sentence(row.detail)}</div>}
      </span>
    ),
  },
  { title: "With", isNarrow: true, cell: (row) => METHODS[row.method] ?? row.method },
  { title: "Signed", isNarrow: true, cell: (row) => (row.signed_at ? <Moment at={row.signed_at} /> : "Not said") },
  { title: "Transparency log", isNarrow: true, cell: logText },
];

const DOCUMENT_COLUMNS: readonly Column<DocumentOut>[] = [
  {
    title: "What",
    width: 35,
    cell: (row) => (
      <span className="dl-break">
        {row.name || row.type}
        {row.name && <div className="dl-subtle">{row.type}</div>}
      </span>
    ),
  },
  { title: "Size", isNarrow: true, cell: (row) => readableSize(row.size) },
  {
    title: "Digest",
    isNarrow: true,
    cell: (row) => <Digest isShort digest={row.digest} name={`digest ${shortDigest(row.digest)}`} />,
  },
  { title: "Vouched for by", cell: (row) => <Voucher signature={row.signature} /> },
];

/** What is attached to an image: who signed it, which build made it, and as how much of that counts. */
export function SignaturesTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(getImageTagAttestationsOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the signatures" error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="dl-part dl-after">
      {data && <Standing known={data} image={image} />}
      <Title headingLevel="h2">Signatures</Title>
      <DataTable
        label="Signatures"
        columns={SIGNATURE_COLUMNS}
        rows={data?.signatures ?? (data && [])}
        rowKey={(_, place) => String(place)}
        expectedRows={1}
        empty={data?.state ? "The registry has no signature for this image." : "None is known."}
      />
      <Title headingLevel="h2">Provenance</Title>
      {data?.state ? (
        <ProvenanceList provenance={data.provenance ?? []} />
      ) : (
        <p>{data ? "None is known." : "Loading"}</p>
      )}
      <Title headingLevel="h2">SBOMs and other attachments</Title>
      <DataTable
        label="Attachments"
        columns={DOCUMENT_COLUMNS}
        rows={data?.documents ?? (data && [])}
        rowKey={(row) => `${row.digest} ${row.type}`}
        expectedRows={1}
        empty={data?.state ? "None. The packages that Deadlight found itself are under Packages." : "None is known."}
      />
    </div>
  );
}

/** The sum of it, how sure that is, and what to do next. */
function Standing({ known, image }: { known: AttestationOut; image: ImageTagDetail }) {
  const { name, meaning, status } = describeSignatures(known);
  return (
    <>
      <div>
        <Label status={status}>{name}</Label> {meaning}{" "}
        {known.checked_at && (
          <span className="dl-subtle">
            Looked at <Moment isRelative at={known.checked_at} />.
          </span>
        )}
      </div>
      {known.problem && (
        <Notice variant="warning" title={known.state ? "Could not be looked at again" : "Could not be checked"}>
          {sentence(known.problem)}
          {known.state && " What is shown is what was found before."}
        </Notice>
      )}
      {known.problems?.map((problem) => (
        <Notice key={problem} variant="warning" isPlain title={sentence(problem)} />
      ))}
      <NextStep known={known} image={image} />
    </>
  );
}

function NextStep({ known, image }: { known: AttestationOut; image: ImageTagDetail }) {
  if (known.state === "unsigned") {
    return (
      <div>
        Sign it in the build, and <SignersLink />: Deadlight looks again every day and whenever that changes.
        <Command name="Command that signs it">{`cosign sign ${image.registry}/${image.repository}@${image.digest}`}</Command>
      </div>
    );
  }
  if (known.state === "untrusted") {
    return (
      <p>
        If you know who signed it, <SignersLink />: the key, or the identity and its issuer.
      </p>
    );
  }
  return null;
}

function SignersLink() {
  return useMay("admin") ? (
    <Link to="/admin/signers/new">name who you trust</Link>
  ) : (
    <>
      have an administrator name who is trusted under <Link to="/admin/signers">Signers</Link>
    </>
  );
}
