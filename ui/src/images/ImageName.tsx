import { Fragment } from "react";
import { imageName } from "./reference";

/** An image's name that may go on in the next line after each of its parts. */
export function ImageName({ image }: { image: Parameters<typeof imageName>[0] }) {
  const parts = imageName(image).split(/(?<=\/)|(?=:[^:/]*$)/);
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a name do not move
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
