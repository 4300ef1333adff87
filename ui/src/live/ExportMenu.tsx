import { Dropdown, DropdownItem, DropdownList, MenuToggle } from "@patternfly/react-core";
import DownloadIcon from "@patternfly/react-icons/dist/esm/icons/download-icon";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { ExportFormat } from "../api/generated/types.gen";
import { asProblem } from "../api/problem";
import { useToast } from "../shell/Toasts";

interface ExportMenuProps {
  /** What the file is called, without its ending. */
  name: string;
  /** Asks the service for the file. */
  ask: (format: ExportFormat) => Promise<Blob>;
}

/** Everything the filters match as a file, not only what is on the page. */
export function ExportMenu({ name, ask }: ExportMenuProps) {
  const [isOpen, setIsOpen] = useState(false);
  const say = useToast();
  const exporting = useMutation({
    mutationFn: ask,
    onSuccess: (file, format) => save(file, `${name}.${format}`),
    onError: (error) => say({ variant: "danger", title: "Nothing was exported", body: asProblem(error).message }),
  });
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: "right" }}
      shouldFocusFirstItemOnOpen
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          icon={<DownloadIcon />}
          isExpanded={isOpen}
          isDisabled={exporting.isPending}
          onClick={() => setIsOpen(!isOpen)}
        >
          {exporting.isPending ? "Exporting…" : "Export"}
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem description="For spreadsheets" onClick={() => exporting.mutate("csv")}>
          CSV
        </DropdownItem>
        <DropdownItem description="For programs" onClick={() => exporting.mutate("json")}>
          JSON
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
