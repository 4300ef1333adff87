/** What a mail to somebody starts with. */
export interface Message {
  subject: string;
  body: string;
}

/** A link that begins a mail. */
export function mailto(address: string, message?: Message): string {
  const parameters = message
    ? `?subject=${encodeURIComponent(message.subject)}&body=${encodeURIComponent(message.body)}`
    : "";
  return `mailto:${encodeURIComponent(address).replace("%40", "@")}${parameters}`;
}
