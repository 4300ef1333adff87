import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import EllipsisVIcon from "@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon";
import { useState } from "react";

interface RowActionsProps {
  /** What the actions are on, for screen readers. */
  subject: string;
  actions: readonly { title: string; act: () => void; isDanger?: boolean }[];
}

/** The menu at the end of a row. */
export function RowActions({ subject, actions }: RowActionsProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: "right" }}
      shouldFocusFirstItemOnOpen
      toggle={(toggle) => (
        <MenuToggle
          ref={toggle}
          variant="plain"
          icon={<EllipsisVIcon />}
          isExpanded={isOpen}
          aria-label={`Actions on ${subject}`}
          onClick={() => setIsOpen(!isOpen)}
        />
      )}
    >
      <DropdownList>
        {actions.map(({ title, act, isDanger }) => (
          <DropdownItem key={title} isDanger={isDanger} onClick={act}>
            {title}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
