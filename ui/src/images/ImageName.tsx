import { Parts } from "../facts/Parts";
import { imageParts } from "./reference";

/** An image as people refer to it, its digest shortened; it breaks between its parts. */
export function ImageName({ name }: { name: string }) {
  const parts = imageParts(name);
  return (
    <span className="dl-name" title={parts.join("") === name ? undefined : name}>
      <Parts parts={parts} />
    </span>
  );
}
