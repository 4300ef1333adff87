import { DatePicker, FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import { isWithinReach } from "./days";

/** The last day of something that ends within a year. */
export function DayField({ value, onChange }: { value: string; onChange: (day: string) => void }) {
  return (
    <FormGroup label="Last day" isRequired fieldId="last-day">
      <DatePicker
        value={value}
        onChange={(_, day) => onChange(day)}
        appendTo="inline"
        inputProps={{ id: "last-day" }}
        aria-label="Last day"
        buttonAriaLabel="Choose the last day"
      />
      <FormHelperText>
        <HelperText isLiveRegion>
          <HelperTextItem variant={isWithinReach(value, new Date()) ? "default" : "error"}>
            A day within the next year, as YYYY-MM-DD.
          </HelperTextItem>
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
