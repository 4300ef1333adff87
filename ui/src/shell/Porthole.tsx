/** The product's mark: a ship's window. */
export function Porthole({ size }: { size: number }) {
  return <img src="/porthole.svg" alt="" width={size} height={size} />;
}
