/** The two twins: the reference server by its command, and the Swift bridge by its own. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defaultLimits } from "../../../server/core/base/limits.ts";
import type { Contender, ContenderOptions, Place, RunningContender } from "../bench-types.ts";
import { StartFailure, startProcess } from "../processes.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const builtBridge = join(root, "ios-bridge/.build/release/reelcache-sut");

/** Why the bridge cannot be built; null once it is. Asked once. */
let buildFault: string | null | undefined;

/** Bytes that a twin keeps in memory, where it does; with the least of them every hit is read from its files, and every
 * playlist rewritten again. */
const memoryLimit = "memoryBytesMax";
const playlistLimit = "playlistMemoryBytesMax";

export const keepsInMemory = memoryLimit in defaultLimits;

export const twinContenders: Contender[] = [
  twin("reference", "the reference server, one Node process", []),
  ...fromDisk("reference", "the reference server, nothing kept in memory"),
  ahead("reference", "the reference server, fetching ahead"),
  twin("bridge", "the Swift twin, one process", []),
  ...fromDisk("bridge", "the Swift twin, nothing kept in memory"),
  ahead("bridge", "the Swift twin, fetching ahead"),
];

/** Twins that leave segments to the player: of use where somebody plays, as `first-frame` does, and in no load. */
export const deliveringTwins: Contender[] = [
  twin("reference-head", "the reference server, the first 4 s", ["--delivery", "head", "--head-seconds", "4"]),
  twin("reference-cdn-first", "the reference server, what is stored", ["--delivery", "cdn-first"]),
];

/** None as long as no byte is kept in memory: then the twin itself shows what the disk gives. */
function fromDisk(name: string, title: string): Contender[] {
  return keepsInMemory
    ? [twin(`${name}-disk`, title, ["--limit", `${memoryLimit}=1`, "--limit", `${playlistLimit}=1`])]
    : [];
}

/** Only at the start of a presentation is there anything to fetch ahead. */
function ahead(name: string, title: string): Contender {
  return { ...twin(`${name}-ahead`, title, ["--start-ahead"]), cases: ["start-50", "start-7"] };
}

function twin(name: string, title: string, words: string[]): Contender {
  const swift = name.startsWith("bridge");
  return {
    name,
    title,
    kind: "cache",
    missing: (options) => (swift ? missingBridge(options) : null),
    start: (place) =>
      swift
        ? startTwin(place, place.options.bridge ?? builtBridge, words)
        : startTwin(place, process.execPath, [join(root, "server/reelcache.mjs"), ...words]),
  };
}

/** Built from this checkout, so that never an older twin is measured, unless its path is given. */
function missingBridge(options: ContenderOptions): string | null {
  if (options.bridge !== null) return existsSync(options.bridge) ? null : `there is no ${options.bridge}`;
  if (process.env.REELCACHE_NO_SWIFT === "1") return "REELCACHE_NO_SWIFT is set";
  buildFault ??= build();
  return buildFault === "" ? null : buildFault;
}

/** "" when it is built. */
function build(): string {
  const args = [join(root, "scripts/swift.mjs"), "build", "-c", "release", "--product", "reelcache-sut"];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (result.status === 0) return "";
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim().split("\n").slice(-3).join(" ");
  return `it cannot be built (${said}); see ios-bridge/README.md`;
}

/** The reference with words for Node itself. */
export function startReference(place: Place, nodeWords: string[]): Promise<RunningContender> {
  return startTwin(place, process.execPath, [...nodeWords, join(root, "server/reelcache.mjs")]);
}

async function startTwin(place: Place, program: string, before: string[]): Promise<RunningContender> {
  const options = ["--json", "--port", "0", "--cache-dir", join(place.folder, "cache"), "--log-level", "silent"];
  options.push("--allow-private", `127.0.0.1:${place.originPort}`, "--max-cache-bytes", "8GB");
  // With a URL of its own it starts no demo.
  const started = startProcess(program, [...before, ...options, "https://example.com/x"]);
  const url = await Promise.race([
    firstLine(started.child.stdout),
    started.ended.then(() => Promise.reject(new StartFailure(`${program} ended: ${started.said()}`))),
  ]);
  return {
    port: Number(new URL(url).port),
    pid: started.pid,
    targetOf: (path) => `/proxy?url=${encodeURIComponent(`http://127.0.0.1:${place.originPort}${path}`)}`,
    stop: started.stop,
  };
}

/** The address in the line that a twin prints once it listens. */
function firstLine(output: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    output?.on("data", (bytes: Buffer) => {
      text += bytes.toString("utf8");
      const [, url = null] = /"listening":"([^"]+)"/.exec(text) ?? [];
      if (url !== null) resolve(url);
    });
  });
}
