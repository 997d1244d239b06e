/** Two proxies, the same bytes: whatever is no matter of time must come back alike. */

import { type Talk, talk } from "./raw-talk.ts";
import type { MadeRequest } from "./request-maker.ts";

export type WireDifference = { name: string; bytes: Buffer; left: Talk; right: Talk };

/** Connections to each proxy at once. */
const atOnce = 16;

/** Asks both everything. The requests carry the left one's address; for the right one its own is put in. */
export async function compareProxies(left: number, right: number, requests: MadeRequest[]): Promise<WireDifference[]> {
  const differences: WireDifference[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let one = requests[next++]; one !== undefined; one = requests[next++]) {
      const theirs = Buffer.from(one.bytes.toString("latin1").replaceAll(`${left}`, `${right}`), "latin1");
      const told = await Promise.all([talk(left, one.bytes), talk(right, theirs)]);
      const [mine, other] = [masked(told[0], left), masked(told[1], right)];
      if (mine.text !== other.text || mine.end !== other.end)
        differences.push({ name: one.name, bytes: one.bytes, left: mine, right: other });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return differences;
}

function masked(told: Talk, port: number): Talk {
  const text = told.text
    .replaceAll(/^Date: [^\r]*/gm, "Date: {date}")
    .replaceAll(/\{"status":"ok"[^\n]*/g, "{health}")
    .replaceAll(`127.0.0.1:${port}`, "{host}");
  return { ...told, text };
}
