/** Starts the bench's origin and asks it what it was asked. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BenchOrigin } from "./bench-types.ts";
import { StartFailure, watched } from "./processes.ts";

const originFile = fileURLToPath(new URL("origin-process.ts", import.meta.url));

export async function startOrigin(): Promise<BenchOrigin> {
  const child = fork(originFile, [], { execArgv: [], stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const started = watched(child);
  const heard = (): Promise<{ port?: number; asked?: number }> =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      void started.ended.then(() => reject(new StartFailure(`the origin ended: ${started.said()}`)));
    });
  const { port = 0 } = await heard();
  return {
    port,
    pid: started.pid,
    asked: async () => {
      const answer = heard();
      child.send("asked");
      return (await answer).asked ?? 0;
    },
    stop: started.stop,
  };
}
