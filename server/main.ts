/** The commands `reelcache [URL…]` and `reelcache preload|ls|why|pin|unpin|rm`: hands the process to the run, and the run's status back to the process. */
import { writeSync } from "node:fs";
import manifest from "../package.json" with { type: "json" };
import { isControlName } from "./cli/control-names.ts";
import type { ControlWorld } from "./cli/control-run.ts";
import { collectGarbage, keepSmall, letOptimize } from "./cli/idle-memory.ts";
import { runCommand } from "./cli/run.ts";
import { type Server, startServer } from "./index.ts";
import type { PartialOptions } from "./options.ts";

const args = process.argv.slice(2);
const start = async (options: PartialOptions): Promise<Server> => {
  const server = await startServer(options);
  letOptimize();
  return server;
};
const write = (text: string): void => {
  process.stdout.write(text);
};
// Synchronous, so that the last words are out before the process ends, even into a pipe.
const complain = (text: string): void => {
  writeSync(2, text);
};
const terminal = {
  out: process.stdout.isTTY === true,
  error: process.stderr.isTTY === true,
  // A terminal of which nobody said how wide it is has 0.
  columns: process.stdout.columns || 80,
};
const onStop = (callback: () => void): void => {
  process.on("SIGINT", callback);
  process.on("SIGTERM", callback);
  process.on("SIGHUP", callback);
};

if (isControlName(args[0])) {
  // Loaded only for a command: a proxy is smaller without it.
  const { runControl } = await import("./cli/control-run.ts");
  // Who reads no further, as `head` does, changes nothing of what is done.
  process.stdout.on("error", () => undefined);
  const environment = process.env;
  const world: ControlWorld = { args, environment, start, write, complain, terminal, onStop, answerMs: 30_000 };
  process.exit(await runControl(world));
}

process.exit(
  await runCommand(
    {
      args,
      environment: process.env,
      version: manifest.version,
      start: async (options) => {
        const server = await start(options);
        keepSmall(server, collectGarbage);
        return server;
      },
      write,
      complain,
      terminal,
      onStop,
      now: () => performance.now(),
    },
    (status) => process.exit(status),
  ),
);
