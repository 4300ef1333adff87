import type { RegistryOut } from "../api/generated/types.gen";
import { readableSize } from "../facts/size";

export type Trust = "Trusted" | "Partly trusted" | "Untrusted";

/** Whether images from a registry are trusted: all, none or those of some repositories. */
export function trustOf(registry: RegistryOut): Trust {
  if (!registry.trusted) {
    return "Untrusted";
  }
  const exceptions = registry.trusted_repositories.length + registry.untrusted_repositories.length;
  return exceptions ? "Partly trusted" : "Trusted";
}

const COUNT = new Intl.NumberFormat();

/** "1 image", "2,000 images". */
export function countImages(images: number): string {
  return images === 1 ? "1 image" : `${COUNT.format(images)} images`;
}

/** "12,000 images, at most 20 a second; a round of all takes 10 min". */
export function describePace(registry: Pick<RegistryOut, "images" | "checks_per_second">): string {
  const minutes = Math.ceil(registry.images / registry.checks_per_second / 60);
  const round = minutes > 1 ? `; a round of all takes ${COUNT.format(minutes)} min` : "";
  return `${countImages(registry.images)}, at most ${COUNT.format(registry.checks_per_second)} a second${round}`;
}

/** "12 taken, 1 refused". */
export function describeWebhooks(registry: RegistryOut): string {
  if (!registry.webhook_created_at) {
    return "Not set up";
  }
  const refused = registry.webhooks_refused ? `, ${COUNT.format(registry.webhooks_refused)} refused` : "";
  return `${COUNT.format(registry.webhooks_accepted)} taken${refused}`;
}

/** "1,204 requests sent, 480 kB received". */
export function describeTraffic(registry: Pick<RegistryOut, "requests" | "bytes_received">): string {
  return `${COUNT.format(registry.requests)} requests sent, ${readableSize(registry.bytes_received)} received`;
}

/** A part of a sentence in Markdown as instructions use it: bold, code or plain. */
export interface Piece {
  kind: "strong" | "code" | "plain";
  text: string;
}

/** The pieces of a sentence of instructions. */
export function readMarkdown(text: string): Piece[] {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`)/)
    .filter(Boolean)
    .map((piece) => {
      if (piece.startsWith("**") && piece.endsWith("**")) {
        return { kind: "strong", text: piece.slice(2, -2) };
      }
      return piece.startsWith("`") && piece.endsWith("`")
        ? { kind: "code", text: piece.slice(1, -1) }
        : { kind: "plain", text: piece };
    });
}
