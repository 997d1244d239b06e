/** Judges one mutant: a copy of the server with its fault, and the cases until one of them catches it. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutant-list.ts";
import type { Scratch } from "./mutant-server.ts";

/** What a mutant's process is told. */
export type MutantOrder = {
  /** Folders of the mutant's and the original server. */
  server: string;
  original: string;
  /** Globs of the cases to begin with, and whether to play only those. */
  only: string[];
  likelyOnly: boolean;
};

export type MutantVerdict =
  /** `by` is a case; `how` what in it (seal, an oracle, run), or a hang. */
  | { kind: "caught"; by: string; how: string; finding: string }
  | { kind: "survived"; played: number }
  /** The patch does not apply, or nothing could be played. */
  | { kind: "unusable"; why: string };

const hostFile = fileURLToPath(new URL("mutant-host.ts", import.meta.url));

/** Plays the cases of `only` against the mutant, then all others unless `likelyOnly`, up to the first that catches it. */
export async function runMutant(mutant: Mutant, scratch: Scratch, likelyOnly: boolean): Promise<MutantVerdict> {
  let copy: { server: string; remove: () => void };
  try {
    copy = scratch.mutate(mutant);
  } catch (error) {
    return { kind: "unusable", why: error instanceof Error ? error.message : String(error) };
  }
  try {
    return await judged({ server: copy.server, original: scratch.original, only: mutant.only, likelyOnly });
  } finally {
    copy.remove();
  }
}

function judged(order: MutantOrder): Promise<MutantVerdict> {
  return new Promise((resolve) => {
    // What a broken server writes is of no interest: the verdict is.
    const child = fork(hostFile, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    let verdict: MutantVerdict | null = null;
    child.on("message", (said: MutantVerdict) => {
      verdict = said;
    });
    child.on("error", (error) => resolve({ kind: "unusable", why: error.message }));
    child.on("exit", () => resolve(verdict ?? { kind: "unusable", why: "its process ended without a verdict" }));
    child.send(order);
  });
}
