/** The digest of a seeded run: the Swift twin must come to the same. */
import type { Simulator } from "./exchange-simulator.ts";

/**
 * Eight digits that differ when anything in two runs did: what happened, and what each player got. Written down beside
 * the ids of vectors and playbooks, they show that the twin plays every seed alike, event for event.
 */
export function runDigest(sim: Simulator, log: string[]): string {
  let hash = 0x811c9dc5;
  const results = [...sim.players.values()].map(
    (one) => `${one.name} ${one.head?.status ?? 0} ${one.end} ${one.received}`,
  );
  for (const line of [...log, ...results]) {
    // FNV-1a.
    for (const byte of Buffer.from(`${line}\n`, "latin1")) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
