/**
 * Keeps an idle proxy small: what the start and busy times left behind goes back to the system once nobody asks. The
 * collector by itself keeps its room for another busy time, up to 50 MB of it.
 */
import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Server } from "../index.ts";

/** Quiet after the start, and after the last request, before memory is given back, in milliseconds. */
const afterStartMs = 1_000;
const afterRequestMs = 60_000;

/** What a server must have to be kept small. */
export type IdleServer = Pick<Server, "on" | "running" | "stats" | "trimMemory">;

/** Waits for quiet and gives memory back by `collect`; again after each time that somebody asked. */
export function keepSmall(server: IdleServer, collect: () => void): void {
  let used = false;
  let waiting = true;
  const wait = (ms: number): void => {
    used = false;
    waiting = true;
    setTimeout(look, ms).unref();
  };
  const look = (): void => {
    waiting = false;
    if (!server.running) return;
    const { exchanges, flights } = server.stats();
    if (used || exchanges > 0 || flights > 0) {
      wait(afterRequestMs);
      return;
    }
    server.trimMemory();
    collect();
  };
  server.on("exchange", () => {
    used = true;
    if (!waiting) wait(afterRequestMs);
  });
  wait(afterStartMs);
}

/**
 * Lets V8 optimize what runs often: the start is over. Compiled code counts as written under the flags of the moment, so
 * that of the start is kept before, or the next start could not use it.
 */
export function letOptimize(): void {
  flushCompileCache();
  setFlagsFromString("--opt");
}

/** Collects all garbage, and lets go of the room that it took. Some 50 ms, in which nothing else happens. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
