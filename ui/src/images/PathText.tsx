import { Parts } from "../facts/Parts";
import { visible } from "../facts/visible";

/** A path that may go on in the next line after each of its parts. */
export function PathText({ path }: { path: string }) {
  return <Parts parts={visible(path).split(/(?<=\/)/)} />;
}
