interface Named {
  registry: string;
  repository: string;
  tag: string;
}

/** The name people know an image by: registry/repository:tag; one that is only pinned has no tag. */
export function imageName({ registry, repository, tag }: Named): string {
  return tag ? `${registry}/${repository}:${tag}` : `${registry}/${repository}`;
}

/** The processor of a platform such as `linux/arm64/v8`. */
export function architectureOf(platform: string): string {
  return platform.split("/").slice(1).join("/") || platform;
}

/** The page of an image tag. */
export function imagePath(id: number): string {
  return `/runtime/live/images/${id}`;
}
