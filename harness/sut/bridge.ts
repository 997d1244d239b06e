/** The Swift twin: its command, built from this checkout before the first case. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandLauncher } from "./command.ts";
import { type Launcher, TargetError } from "./target.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const binary = join(root, "ios-bridge/.build/release/reelcache-sut");

/** Builds what has changed since the last time: never an older twin is judged. */
export function bridgeLauncher(): Launcher {
  const command = commandLauncher(`exec '${binary.replaceAll("'", `'\\''`)}' {args}`);
  let built = false;
  return {
    launch: (options) => {
      if (!built) buildBridge();
      built = true;
      return command.launch({ logLevel: "silent", ...options });
    },
    end: () => command.end(),
  };
}

/** The command, built; throws a `TargetError` when it cannot be. */
export function buildBridge(): string {
  const args = [join(root, "scripts/swift.mjs"), "build", "-c", "release", "--product", "reelcache-sut"];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (result.status === 0) return binary;
  const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim().split("\n").slice(-20).join("\n");
  throw new TargetError(`the Swift twin cannot be built:\n${said}`);
}
