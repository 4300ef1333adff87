import { ActionGroup, Button, Form } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Refusal } from "../states/Notice";
import { Cancel } from "./Cancel";

/** What the form on an entry of any list is given. */
export interface EntryProps<Draft> {
  initial: Draft;
  isNew: boolean;
  isPending: boolean;
  error: unknown;
  save: (draft: Draft) => void;
}

interface EntryFormProps {
  /** What an entry is, in a word: "registry". */
  what: string;
  /** The address of the list. */
  list: string;
  isNew: boolean;
  isPending: boolean;
  /** Whether anything is missing that saving takes. */
  isIncomplete?: boolean;
  /** Why the service did not save it, where that is not said beside a field. */
  error?: unknown;
  maxWidth?: string;
  save: () => void;
  children: ReactNode;
}

/** The frame of a form on an entry of a list: it saves, says why that failed, and leads back. */
export function EntryForm({
  what,
  list,
  isNew,
  isPending,
  isIncomplete = false,
  error,
  maxWidth,
  save,
  children,
}: EntryFormProps) {
  return (
    <Form
      isWidthLimited
      maxWidth={maxWidth}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <Refusal title={`The ${what} was not saved`} error={error} />
      {children}
      <ActionGroup>
        <Button type="submit" isLoading={isPending} isDisabled={isPending || isIncomplete}>
          {isNew ? `Add ${what}` : "Save"}
        </Button>
        <Cancel list={list} />
      </ActionGroup>
    </Form>
  );
}
