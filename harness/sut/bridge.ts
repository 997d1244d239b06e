/** The Swift twin: its command, built from this checkout before the first case. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandLauncher } from "./command.ts";
import { type Launcher, TargetError } from "./target.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const binary = join(root, "ios-bridge/.build/release/reelcache-sut");

let building: Promise<string> | null = null;

/** Builds what has changed since the last time: never an older twin is judged. */
export function bridgeLauncher(): Launcher {
  const command = commandLauncher(`exec '${binary.replaceAll("'", `'\\''`)}' {args}`);
  return {
    launch: async (options) => {
      await buildBridge();
      return await command.launch({ logLevel: "silent", ...options });
    },
    end: () => command.end(),
  };
}

/**
 * The command, built once a run; rejects with a `TargetError` when it cannot be. A build takes minutes at times, in which
 * other targets must go on: their patience would be over before they were heard.
 */
export function buildBridge(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  const args = [join(root, "scripts/swift.mjs"), "build", "-c", "release", "--product", "reelcache-sut"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-20_000);
    });
  }
  const [status] = await once(child, "close");
  if (status === 0) return binary;
  throw new TargetError(`the Swift twin cannot be built:\n${said.trim().split("\n").slice(-20).join("\n")}`);
}
