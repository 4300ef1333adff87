import {
  Button,
  Checkbox,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  Label,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  NumberInput,
} from "@patternfly/react-core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { configureClustersMutation } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterRow, ScannerCoverage } from "../api/generated/types.gen";
import { Said } from "../facts/Said";
import { sentence } from "../facts/sentence";
import { useToast } from "../shell/Toasts";
import { Notice, Refusal } from "../states/Notice";
import { toggled } from "./clusterQuery";
import { invalidateClusters } from "./invalidateClusters";
import {
  differ,
  draftOf,
  MAX_RETENTION_DAYS,
  missingCore,
  retentionMistake,
  type ScanDraft,
  toggleGroup,
} from "./scanDraft";

interface ScanConfigurationProps {
  clusters: readonly ClusterRow[];
  scanners: readonly ScannerCoverage[];
  close: () => void;
}

/** Chooses what is scanned in one cluster, or in several at once. */
export function ScanConfiguration({ clusters, scanners, close }: ScanConfigurationProps) {
  const [draft, setDraft] = useState(() => draftOf(clusters));
  const say = useToast();
  const queryClient = useQueryClient();
  const names = clusters.map(({ name }) => name).join(", ");
  const applying = useMutation({
    ...configureClustersMutation(),
    onSuccess: () => {
      void invalidateClusters(queryClient);
      say({ variant: "success", title: "Scan configuration applied", body: names });
      close();
    },
  });
  const mistake = retentionMistake(draft.retentionDays);
  const apply = () =>
    applying.mutate({
      body: {
        cluster_ids: clusters.map(({ id }) => id),
        scanners: [...draft.scanners],
        retention_days: draft.retentionDays,
      },
    });
  return (
    <Modal variant="medium" isOpen onClose={close} aria-labelledby="scan-title" aria-describedby="scan-about">
      <ModalHeader
        title={clusters.length === 1 ? "Scan Configuration" : "Scan Configurations"}
        labelId="scan-title"
        descriptorId="scan-about"
        description={<span className="dl-break">What is scanned in the images that run on {names}.</span>}
      />
      <ModalBody>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (!mistake) {
              apply();
            }
          }}
        >
          {differ(clusters) && (
            <Notice variant="warning" title="These clusters are configured differently now">
              What you apply replaces the configuration of all {clusters.length}.
            </Notice>
          )}
          <Scanners draft={draft} scanners={scanners} change={setDraft} />
          <Retention draft={draft} mistake={mistake} change={setDraft} />
          <Refusal title="Nothing has been changed" error={applying.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isLoading={applying.isPending} isDisabled={applying.isPending || mistake !== ""} onClick={apply}>
          Apply
        </Button>
        <Button variant="link" onClick={close}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

interface PartProps {
  draft: ScanDraft;
  change: (draft: ScanDraft) => void;
}

function Scanners({ draft, scanners, change }: PartProps & { scanners: readonly ScannerCoverage[] }) {
  const exposures = scanners.filter(({ is_exposure }) => is_exposure);
  const group = exposures.map(({ scanner }) => scanner);
  const on = group.filter((scanner) => draft.scanners.includes(scanner)).length;
  const missing = missingCore(draft, scanners);
  const box = (item: ScannerCoverage) => (
    <Checkbox
      key={item.scanner}
      id={`scanner-${item.scanner}`}
      label={
        <>
          {item.label}{" "}
          {item.lacking && (
            <Label isCompact status="warning">
              Not set up
            </Label>
          )}
        </>
      }
      description={item.lacking ? <Said text={`${item.finds}. Not done now: ${sentence(item.lacking)}`} /> : item.finds}
      isChecked={draft.scanners.includes(item.scanner)}
      onChange={() => change({ ...draft, scanners: toggled(draft.scanners, item.scanner) })}
    />
  );
  return (
    <FormGroup role="group" label="Scanners" fieldId="scanners" isStack>
      {scanners.filter(({ is_exposure }) => !is_exposure).map(box)}
      <Checkbox
        id="scanner-exposures"
        label="Exposures"
        description="All of the following"
        isChecked={on === group.length ? true : on === 0 ? false : null}
        onChange={() => change(toggleGroup(draft, group))}
        body={<div className="dl-part">{exposures.map(box)}</div>}
      />
      {missing.length > 0 && (
        <Notice variant="warning" title={`Without ${missing.join(" and ")} the dashboard's figures are incomplete`} />
      )}
    </FormGroup>
  );
}

function Retention({ draft, change, mistake }: PartProps & { mistake: string }) {
  const set = (retentionDays: number) => change({ ...draft, retentionDays });
  return (
    <FormGroup label="Retention" fieldId="retention">
      <NumberInput
        inputProps={{ id: "retention", "aria-describedby": "retention-help" }}
        inputAriaLabel="Retention"
        value={Number.isNaN(draft.retentionDays) ? "" : draft.retentionDays}
        min={1}
        max={MAX_RETENTION_DAYS}
        unit={<span className="dl-one-line">days</span>}
        validated={mistake ? "error" : "default"}
        onMinus={() => set(draft.retentionDays - 1)}
        onPlus={() => set(draft.retentionDays + 1)}
        onChange={(event) => set(event.currentTarget.valueAsNumber)}
        minusBtnAriaLabel="A day less"
        plusBtnAriaLabel="A day more"
      />
      <FormHelperText>
        <HelperText id="retention-help" isLiveRegion>
          <HelperTextItem variant={mistake ? "error" : "default"}>
            {mistake || "A result that is older is scanned anew where its image still runs, and forgotten elsewhere."}
          </HelperTextItem>
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
