/** Paths that nobody has asked for in this run, whoever asks. */
let names = 0;

export function freshPaths(folder: string, count: number): string[] {
  return Array.from({ length: count }, () => {
    names += 1;
    return `${folder}/fresh-${names}.ts`;
  });
}

/** A number of its own for a link that nothing else goes over. */
export function freshLink(): number {
  names += 1;
  return names;
}

/** One word for a presentation of its own. */
export function freshName(): string {
  names += 1;
  return `show-${names}`;
}
