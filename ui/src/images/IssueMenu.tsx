import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import { useState } from "react";
import type { IssueFormat } from "../api/generated/types.gen";
import { copyText } from "../facts/copyText";
import type { Message } from "../facts/mailto";
import { useToast } from "../shell/Toasts";

const FILES: readonly { format: IssueFormat; title: string }[] = [
  { format: "markdown", title: "Download as Markdown" },
  { format: "json", title: "Download as JSON" },
  { format: "csv", title: "Download as CSV" },
];

interface IssueMenuProps {
  imageTagId: number;
  /** The text of the issue; undefined while it is loading. */
  message: Message | undefined;
}

/** Takes what is wrong with the image, where, and whom to ask, into any tracking system. */
export function IssueMenu({ imageTagId, message }: IssueMenuProps) {
  const [isOpen, setIsOpen] = useState(false);
  const say = useToast();
  const copy = async () => {
    await copyText(message?.body ?? "");
    say({ variant: "success", title: "Issue copied", body: "Paste it into your tracking system." });
  };
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: "right" }}
      shouldFocusFirstItemOnOpen
      toggle={(toggle) => (
        <MenuToggle ref={toggle} isExpanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          Issue
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem key="copy" isDisabled={!message} onClick={() => void copy()}>
          Copy as issue
        </DropdownItem>
        {FILES.map(({ format, title }) => (
          <DropdownItem key={format} to={`/api/v1/image-tags/${imageTagId}/issue?format=${format}`} download="">
            {title}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
