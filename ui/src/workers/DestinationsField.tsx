import {
  Button,
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Switch,
} from "@patternfly/react-core";
import PlusCircleIcon from "@patternfly/react-icons/dist/esm/icons/plus-circle-icon";
import { Field } from "../forms/Field";
import { Notice } from "../states/Notice";
import { DESTINATION_NAMES } from "./destinations";
import {
  type DestinationDraft,
  type DestinationType,
  newDestination,
  type WorkerDraft,
  withDestination,
} from "./workerDraft";

interface DestinationsFieldProps {
  draft: WorkerDraft;
  setDraft: (draft: WorkerDraft) => void;
  mistake: string | undefined;
}

/** Where a worker's alerts go. */
export function DestinationsField({ draft, setDraft, mistake }: DestinationsFieldProps) {
  const change = (changed: DestinationDraft) =>
    setDraft({
      ...draft,
      destinations: draft.destinations.map((item) => (item.key === changed.key ? changed : item)),
    });
  const remove = (key: number) =>
    setDraft({ ...draft, destinations: draft.destinations.filter((item) => item.key !== key) });

  return (
    <FormGroup label="Destinations" role="group" isRequired fieldId="destinations">
      {mistake && <Notice variant="danger" isPlain title={mistake} />}
      {draft.destinations.map((destination, index) => (
        <Card key={destination.key} isCompact className="dl-destination">
          <CardHeader
            actions={{
              actions: (
                <Button
                  variant="link"
                  isInline
                  aria-label={`Remove destination ${index + 1}`}
                  onClick={() => remove(destination.key)}
                >
                  Remove
                </Button>
              ),
            }}
          >
            <CardTitle component="h2">
              {index + 1}. {destination.kept ? DESTINATION_NAMES[destination.type] : "New destination"}
            </CardTitle>
          </CardHeader>
          <CardBody>
            {destination.kept ? (
              <>
                <code className="dl-break">{destination.kept.label}</code>{" "}
                <Button
                  variant="link"
                  isInline
                  onClick={() => change({ ...destination, kept: null })}
                  aria-label={`Enter destination ${index + 1} anew`}
                >
                  Enter anew
                </Button>
              </>
            ) : (
              <NewDestination destination={destination} change={change} />
            )}
          </CardBody>
        </Card>
      ))}
      <Button variant="link" isInline icon={<PlusCircleIcon />} onClick={() => setDraft(withDestination(draft))}>
        Add a destination
      </Button>
    </FormGroup>
  );
}

interface NewDestinationProps {
  destination: DestinationDraft;
  change: (destination: DestinationDraft) => void;
}

function NewDestination({ destination, change }: NewDestinationProps) {
  const id = `destination-${destination.key}`;
  const set = (part: Partial<DestinationDraft>) => change({ ...destination, ...part });
  return (
    <div className="dl-destination__fields">
      <FormGroup label="Channel" fieldId={`${id}-type`}>
        <FormSelect
          id={`${id}-type`}
          value={destination.type}
          onChange={(_, type) => change(newDestination(destination.key, type as DestinationType))}
        >
          {Object.entries(DESTINATION_NAMES).map(([type, name]) => (
            <FormSelectOption key={type} value={type} label={name} />
          ))}
        </FormSelect>
      </FormGroup>
      {destination.type === "email" ? (
        <EmailFields id={id} destination={destination} set={set} />
      ) : (
        <Field
          id={`${id}-url`}
          label="Address"
          isRequired
          isCode
          value={destination.url}
          onChange={(url) => set({ url })}
          help={
            destination.type === "slack"
              ? "The address of an incoming webhook: https://hooks.slack.com/services/…"
              : "Gets each event as a CloudEvent by HTTP POST."
          }
        />
      )}
      {destination.type === "webhook" && (
        <>
          <Field
            id={`${id}-secret`}
            label="Signing secret"
            type="password"
            value={destination.secret}
            onChange={(secret) => set({ secret })}
            help="Base64, with or without whsec_. Alerts are then signed (Standard Webhooks)."
          />
          <Field
            id={`${id}-headers`}
            label="Headers"
            isCode
            lines={2}
            value={destination.headers}
            onChange={(headers) => set({ headers })}
            placeholder="Authorization: Bearer …"
            help="Name: value, one on each line."
          />
        </>
      )}
    </div>
  );
}

interface EmailFieldsProps {
  id: string;
  destination: DestinationDraft;
  set: (part: Partial<DestinationDraft>) => void;
}

function EmailFields({ id, destination, set }: EmailFieldsProps) {
  return (
    <>
      <FormGroup role="group" fieldId={`${id}-to-owner`}>
        <Switch
          id={`${id}-to-owner`}
          label="Mail to whoever is responsible"
          isChecked={destination.toOwner}
          onChange={(_, toOwner) => set({ toOwner })}
        />
      </FormGroup>
      {destination.toOwner && (
        <Field
          id={`${id}-domains`}
          label="Domains of owners"
          isRequired
          isCode
          lines={2}
          value={destination.ownerDomains}
          onChange={(ownerDomains) => set({ ownerDomains })}
          placeholder="example.com"
          help="One on each line. Labels of images name addresses of strangers as well: those get nothing."
        />
      )}
      <Field
        id={`${id}-to`}
        label={destination.toOwner ? "Addresses where nobody is known" : "Addresses"}
        isRequired
        isCode
        lines={2}
        value={destination.to}
        onChange={(to) => set({ to })}
        help="One on each line. The service needs a mail server: DEADLIGHT_SMTP_URL."
      />
    </>
  );
}
