/** Starts the origin of `first-frame`, shapes its links and asks for its counts. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { StartFailure, watched } from "../processes.ts";
import type { Counted, LinkShape, OriginAnswer, OriginOrder } from "./media-origin-types.ts";

export type MediaOrigin = {
  port: number;
  /** Also begins the play's count anew; what has gone out before still counts as fetched. */
  shape: (play: string, shape: LinkShape) => Promise<void>;
  count: (play: string) => Promise<Counted>;
  /** Resolves once nothing of the play is under way and nothing new comes. */
  quiet: (play: string) => Promise<void>;
  forget: (play: string) => Promise<void>;
  stop: () => Promise<void>;
};

/** An order before its number. */
type Order = OriginOrder extends infer One ? (One extends { id: number } ? Omit<One, "id"> : never) : never;

const originFile = fileURLToPath(new URL("media-origin-process.ts", import.meta.url));

/** `folders`: by set, where its files are. Rejects with a StartFailure when the origin ends. */
export async function startMediaOrigin(folders: Record<string, string>): Promise<MediaOrigin> {
  const child = fork(originFile, [JSON.stringify(folders)], { execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const started = watched(child);
  const waiting = new Map<number, (counted: Counted) => void>();
  let orders = 0;
  const over = started.ended.then(() => Promise.reject(new StartFailure(`the origin ended: ${started.said()}`)));
  // Whoever waits hears of it; when nobody does, the end is one that was asked for.
  over.catch(() => waiting.clear());
  const port = await Promise.race([
    over,
    new Promise<number>((resolve) => child.once("message", (said: { port: number }) => resolve(said.port))),
  ]);
  child.on("message", ({ id, counted }: OriginAnswer) => {
    waiting.get(id)?.(counted);
    waiting.delete(id);
  });
  const ask = (order: Order): Promise<Counted> => {
    orders += 1;
    const id = orders;
    const answered = new Promise<Counted>((resolve) => waiting.set(id, resolve));
    child.send({ ...order, id });
    return Promise.race([over, answered]);
  };
  return {
    port,
    shape: async (play, shape) => void (await ask({ order: "shape", play, shape })),
    count: (play) => ask({ order: "count", play }),
    quiet: async (play) => void (await ask({ order: "quiet", play })),
    forget: async (play) => void (await ask({ order: "forget", play })),
    stop: started.stop,
  };
}
