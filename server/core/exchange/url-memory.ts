/** A bounded memory of URLs: the oldest is forgotten first. */
export type UrlMemory = { max: number; known: Set<string>; ring: string[]; next: number };

/** An empty memory for `max` URLs. */
export function newUrlMemory(max: number): UrlMemory {
  return { max, known: new Set(), ring: [], next: 0 };
}

/** Remembers a URL. */
export function rememberUrl(memory: UrlMemory, url: string): void {
  // A memory without room remembers nothing.
  if (memory.max <= 0 || memory.known.has(url)) return;
  if (memory.ring.length < memory.max) {
    memory.ring.push(url);
  } else {
    const oldest = memory.ring[memory.next];
    if (oldest !== undefined) memory.known.delete(oldest);
    memory.ring[memory.next] = url;
    memory.next = (memory.next + 1) % memory.max;
  }
  memory.known.add(url);
}

/** Whether the URL is remembered. */
export function remembersUrl(memory: UrlMemory, url: string): boolean {
  return memory.known.has(url);
}
