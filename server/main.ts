/** The command `reelcache [URL…]`: hands the process to the run, and the run's status back to the process. */
import { writeSync } from "node:fs";
import manifest from "../package.json" with { type: "json" };
import { collectGarbage, keepSmall, letOptimize } from "./cli/idle-memory.ts";
import { runCommand } from "./cli/run.ts";
import { startServer } from "./index.ts";

process.exit(
  await runCommand(
    {
      args: process.argv.slice(2),
      environment: process.env,
      version: manifest.version,
      start: async (options) => {
        const server = await startServer(options);
        letOptimize();
        keepSmall(server, collectGarbage);
        return server;
      },
      write: (text) => {
        process.stdout.write(text);
      },
      complain: (text) => {
        // Synchronous, so that the last words are out before the process ends, even into a pipe.
        writeSync(2, text);
      },
      terminal: {
        out: process.stdout.isTTY === true,
        error: process.stderr.isTTY === true,
        columns: process.stdout.columns ?? 80,
      },
      onStop: (callback) => {
        process.on("SIGINT", callback);
        process.on("SIGTERM", callback);
        process.on("SIGHUP", callback);
      },
      now: () => performance.now(),
    },
    (status) => process.exit(status),
  ),
);
