const SIGN_IN = "/sign-in";

/** The address of the sign-in page that leads back to where the reader was. */
export function signInPath(from: { pathname: string; search: string }): string {
  const next = `${from.pathname}${from.search}`;
  return next === "/" ? SIGN_IN : `${SIGN_IN}?${new URLSearchParams({ next })}`;
}

/** Where to go after signing in. Only places on this site: the address may come from a link somebody sent. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) && !next.startsWith(SIGN_IN) ? next : "/";
}
