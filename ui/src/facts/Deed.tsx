import { Moment } from "./Moment";

/** When somebody did something, and who it was where that is known. */
export function Deed({ at, by }: { at: string; by: string }) {
  return (
    <>
      <Moment at={at} /> {by && `by ${by}`}
    </>
  );
}
