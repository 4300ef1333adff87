import type { ImageTagDetail } from "../api/generated/types.gen";
import { sentence } from "../facts/sentence";
import { NothingYet } from "../states/NothingYet";
import { describeScan } from "./scan";

/** In place of an image's contents while nobody has looked into it. */
export function NotScanned({ image }: { image: ImageTagDetail }) {
  return (
    <NothingYet title="Not scanned">{sentence(image.scan_error) || describeScan(image.scan_status).meaning}</NothingYet>
  );
}
