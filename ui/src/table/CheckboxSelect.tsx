import { Badge, MenuToggle, Select, SelectList, SelectOption } from "@patternfly/react-core";
import { useState } from "react";
import type { Option } from "./OneSelect";

interface CheckboxSelectProps {
  label: string;
  options: readonly Option[];
  chosen: readonly string[];
  toggle: (value: string) => void;
}

/** A choice of any among a few; the list stays open for the next. */
export function CheckboxSelect({ label, options, chosen, toggle }: CheckboxSelectProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Select
      role="menu"
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={(_, value) => toggle(String(value))}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          isExpanded={isOpen}
          badge={chosen.length > 0 ? <Badge isRead>{chosen.length}</Badge> : undefined}
          onClick={() => setIsOpen(!isOpen)}
        >
          {label}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={label}>
        {options.map((option) => (
          <SelectOption key={option.value} value={option.value} hasCheckbox isSelected={chosen.includes(option.value)}>
            {option.label}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
}
