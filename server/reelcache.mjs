#!/usr/bin/env node
/**
 * The command as it is started: stripped types and compiled code are kept for the next run. Stripping loads a compiler
 * into Node that stays, 25 MB and half a second. So the first run lets a child do it, which leaves the results behind.
 */
import { readdirSync } from "node:fs";
import { constants, enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// What a miss or a hit leaves behind is short-lived and small: a young generation of 67 MB takes as long to collect.
setFlagsFromString("--semi-space-growth-factor=1");
// What belongs to a crowd outlives it: the old generation is collected when it has grown by a third, not by three times.
setFlagsFromString("--heap-growing-percent=30");
// A start runs nothing often enough to be worth the optimizing compiler, and the compiler's own code is 5 MB of memory.
setFlagsFromString("--no-opt");
const { status, directory } = enableCompileCache(
  fileURLToPath(new URL("../node_modules/.cache/reelcache", import.meta.url)),
);
const alone = process.argv.length === 3 && process.argv[2] === "--version";
// Where nothing can be written, nothing is kept, and the command runs all the same.
if (status === constants.compileCacheStatus.ENABLED && !alone && readdirSync(directory ?? "").length === 0) {
  const { spawnSync } = await import("node:child_process");
  spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--version"], { stdio: "ignore" });
}
await import("./main.ts");
