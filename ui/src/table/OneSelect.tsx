import { MenuToggle, Select, SelectList, SelectOption } from "@patternfly/react-core";
import { useState } from "react";

export interface Option {
  value: string;
  label: string;
}

interface OneSelectProps {
  label: string;
  options: readonly Option[];
  chosen: string;
  choose: (value: string) => void;
}

/** A choice of one among a few. */
export function OneSelect({ label, options, chosen, choose }: OneSelectProps) {
  const [isOpen, setIsOpen] = useState(false);
  const current = options.find(({ value }) => value === chosen)?.label;
  return (
    <Select
      isOpen={isOpen}
      selected={chosen}
      onOpenChange={setIsOpen}
      onSelect={(_, value) => {
        choose(String(value));
        setIsOpen(false);
      }}
      shouldFocusToggleOnSelect
      toggle={(toggle) => (
        <MenuToggle
          ref={toggle}
          isExpanded={isOpen}
          aria-label={`${label}: ${current}`}
          onClick={() => setIsOpen(!isOpen)}
        >
          {current}
        </MenuToggle>
      )}
    >
      <SelectList aria-label={label}>
        {options.map((option) => (
          <SelectOption key={option.value} value={option.value}>
            {option.label}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
}
