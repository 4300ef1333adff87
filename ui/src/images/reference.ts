import { shortDigest } from "../facts/digest";
import { visible } from "../facts/visible";

interface Named {
  registry: string;
  repository: string;
  tag: string;
}

/** The name people know an image by: registry/repository:tag; one that is only pinned has no tag. */
export function imageName({ registry, repository, tag }: Named): string {
  return tag ? `${registry}/${repository}:${tag}` : `${registry}/${repository}`;
}

const DIGEST = /(?<=@)[a-z0-9]+:[0-9a-f]{32,}$/;
const BREAKS = /(?<=[/:@-])|(?<=^[^/]*\.)(?=.*\/)/;

/** An image's name in the parts between which it may break, as may its registry's host; a digest is shortened. */
export function imageParts(name: string): readonly string[] {
  return visible(name).replace(DIGEST, shortDigest).split(BREAKS);
}

/** The processor of a platform such as `linux/arm64/v8`. */
export function architectureOf(platform: string): string {
  return platform.split("/").slice(1).join("/") || platform;
}

/** The page of an image tag. */
export function imagePath(id: number): string {
  return `/runtime/live/images/${id}`;
}
