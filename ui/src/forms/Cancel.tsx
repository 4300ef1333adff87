import { Button } from "@patternfly/react-core";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { Confirmation } from "./Confirmation";

interface CancelProps {
  /** The address it leads to. */
  list: string;
  /** Whether something was written that would be lost. */
  isChanged?: boolean;
}

/** Leaves a form; first it asks where something would be lost. */
export function Cancel({ list, isChanged = false }: CancelProps) {
  const [isAsking, setIsAsking] = useState(false);
  const navigate = useNavigate();
  if (!isChanged) {
    return (
      <Button variant="link" component={(link) => <Link {...link} to={list} />}>
        Cancel
      </Button>
    );
  }
  return (
    <>
      <Button variant="link" onClick={() => setIsAsking(true)}>
        Cancel
      </Button>
      {isAsking && (
        <Confirmation
          title="Leave without saving?"
          action="Leave"
          otherwise="Keep writing"
          isPending={false}
          error={null}
          confirm={() => void navigate(list)}
          cancel={() => setIsAsking(false)}
        >
          What you wrote is lost.
        </Confirmation>
      )}
    </>
  );
}
