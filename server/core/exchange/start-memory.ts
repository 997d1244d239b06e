/**
 * Which media playlists are where a player may begin. A multivariant playlist names them in groups of which a player
 * takes one each; what it takes later is a switch, at which nobody knows what is asked for next. Bounded: of the
 * playlists that were named the oldest is forgotten first.
 */

/** Playlists of which a player begins with one: armed until then, in milliseconds since the epoch; 0 once it has. */
export type StartGroup = { untilMs: number };

/** A playlist that was named: by which answer last, and its groups there. */
export type NamedPlaylist = { answer: number; groups: StartGroup[] };

export type StartMemory = {
  max: number;
  named: Map<string, NamedPlaylist>;
  ring: string[];
  next: number;
  answers: number;
};

/** Whether a playlist is where a player may begin: "unnamed" when no multivariant playlist that is remembered says. */
export type StartClaim = "armed" | "spent" | "unnamed";

/** An empty memory for `max` playlists. */
export function newStartMemory(max: number): StartMemory {
  return { max, named: new Map(), ring: [], next: 0, answers: 0 };
}

/**
 * Remembers, by their cache keys, the playlists that a multivariant playlist names, each of `groups` armed until
 * `untilMs`. What an earlier answer said of them counts no more.
 */
export function rememberStarts(memory: StartMemory, named: string[], groups: string[][], untilMs: number): void {
  memory.answers += 1;
  for (const key of named) recordOf(memory, key);
  for (const keys of groups) {
    const group: StartGroup = { untilMs };
    for (const key of keys) {
      const record = recordOf(memory, key);
      // A playlist may be both a variant and a rendition.
      if (record !== null && !record.groups.includes(group)) record.groups.push(group);
    }
  }
}

/** Claims a start for the player that is answered this playlist: its groups are disarmed, whatever comes of it. */
export function claimStart(memory: StartMemory, key: string, nowMs: number): StartClaim {
  const record = memory.named.get(key);
  if (record === undefined) return "unnamed";
  let claim: StartClaim = "spent";
  for (const group of record.groups) {
    if (group.untilMs > nowMs) claim = "armed";
    // R-AHEAD-5
    group.untilMs = 0;
  }
  return claim;
}

/** The record that this answer writes to; null when there is no room for any. */
function recordOf(memory: StartMemory, key: string): NamedPlaylist | null {
  const known = memory.named.get(key);
  if (known !== undefined) {
    if (known.answer !== memory.answers) {
      known.answer = memory.answers;
      known.groups = [];
    }
    return known;
  }
  // R-AHEAD-11
  if (memory.max <= 0) return null;
  if (memory.ring.length < memory.max) {
    memory.ring.push(key);
  } else {
    const oldest = memory.ring[memory.next];
    if (oldest !== undefined) memory.named.delete(oldest);
    memory.ring[memory.next] = key;
    memory.next = (memory.next + 1) % memory.max;
  }
  const record: NamedPlaylist = { answer: memory.answers, groups: [] };
  memory.named.set(key, record);
  return record;
}
