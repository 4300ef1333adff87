/** What a mail to somebody starts with. */
export interface Message {
  subject: string;
  body: string;
}

const LONGEST_MAIL = 1_600;

/** A link that begins a mail. */
export function mailto(address: string, message?: Message): string {
  const parameters = message
    ? `?subject=${encodeURIComponent(message.subject)}&body=${encodeURIComponent(shortened(message.body))}`
    : "";
  return `mailto:${encodeURIComponent(address).replace("%40", "@")}${parameters}`;
}

/** Mail programs cut long links anywhere, or refuse them: whole lines are left out instead. */
function shortened(body: string): string {
  const lines = body.split("\n");
  while (lines.length > 1 && encodeURIComponent(lines.join("\n")).length > LONGEST_MAIL) {
    lines.pop();
  }
  return lines.join("\n");
}
