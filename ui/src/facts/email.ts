const ADDRESS = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/;

/** The first e-mail address in a text such as "Ada <ada@example.com>"; undefined where there is none. */
export function findEmail(text: string): string | undefined {
  return ADDRESS.exec(text)?.[0];
}
