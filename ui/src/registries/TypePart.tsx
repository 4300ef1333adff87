import { FormGroup, FormHelperText, HelperText, HelperTextItem } from "@patternfly/react-core";
import type { OptionOut, RegistryTypeOut } from "../api/generated/types.gen";
import { Field } from "../forms/Field";
import { Part, type PartProps } from "../forms/Part";
import { OneSelect } from "../table/OneSelect";
import { type RegistryDraft, typeOf } from "./registryDraft";

type TypePartProps = PartProps<RegistryDraft> & { types: readonly RegistryTypeOut[]; isNew: boolean };

/** Which product a registry is, and the settings that only this product has. */
export function TypePart({ draft, set, types, isNew }: TypePartProps) {
  const type = typeOf(draft, types);
  return (
    <Part
      title="Type"
      description="A product's own API says more than the registry API: who pushed an image, which tags may move, where a deleted one is kept."
    >
      <FormGroup label="Product" fieldId="type">
        <OneSelect
          label="Product"
          options={types.map(({ key, label }) => ({ value: key, label }))}
          chosen={type?.key ?? ""}
          choose={(key) => set({ type: key })}
        />
        <FormHelperText>
          <HelperText isLiveRegion>
            <HelperTextItem>{type?.summary}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      {type?.options.map((option) => (
        <Field
          key={option.name}
          id={`option-${option.name}`}
          label={option.label}
          isCode
          isRequired={option.required && !(option.secret && !isNew)}
          type={option.secret ? "password" : "text"}
          value={draft.options[option.name] ?? ""}
          onChange={(value) => set({ options: { ...draft.options, [option.name]: value } })}
          help={helpOf(option, isNew)}
        />
      ))}
      {type?.scanner && (
        <FormGroup label="Scan with" fieldId="scan-with">
          <OneSelect
            label="Scan with"
            options={[
              { value: "deadlight", label: "Deadlight" },
              { value: "xray", label: type.scanner },
            ]}
            chosen={draft.scanWith}
            choose={(scanWith) => set({ scanWith: scanWith as RegistryDraft["scanWith"] })}
          />
          <FormHelperText>
            <HelperText>
              <HelperTextItem>
                Where the findings of its images come from. {type.scanner} is asked for a scan where it has none;
                Deadlight still reads the images, for what runs in them and for exposures.
              </HelperTextItem>
            </HelperText>
          </FormHelperText>
        </FormGroup>
      )}
    </Part>
  );
}

function helpOf(option: OptionOut, isNew: boolean): string {
  const kept = isNew ? " Kept encrypted, never shown again." : " Leave empty to keep the one that is stored.";
  return option.secret ? option.help + kept : option.help;
}
