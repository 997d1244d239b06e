/**
 * `node scripts/swift.mjs build …`: runs `swift` in ios-bridge with whatever toolchain the machine has or gets. What is
 * linked runs outside of the toolchain's folder too. `--where` prints the toolchain and ends; `--look` prints as JSON what
 * there is, and fetches nothing.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";
import {
  findToolchain,
  linkFlags,
  lookForToolchain,
  swiftCommand,
  ToolchainError,
  temporaryFolder,
} from "./swift-toolchain.mjs";

/** Subcommands that link. */
const linking = ["build", "run", "test"];

/** Runs swift; returns its process. `stdio`, `env` (added to this process's) and `detached` as spawn takes them. */
export function runSwift(args, { stdio = "inherit", env = {}, detached = false } = {}) {
  const toolchain = findToolchain((text) => process.stderr.write(`${text} …\n`));
  const folder = join(root, "ios-bridge");
  const command = swiftCommand(toolchain, root, folder, withFlags(toolchain, args));
  return spawn(command.program, command.args, {
    cwd: folder,
    stdio,
    // Apple's systems keep theirs in order by themselves.
    env: { ...command.env, ...(process.platform === "linux" ? { TMPDIR: temporaryFolder() } : {}), ...env },
    detached,
  });
}

/** How a program ends that crashes. */
const crashes = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP", "SIGABRT"];

/**
 * Resolves with the status of the swift process that `start` begins, 1 when a signal ends it; rejects when it cannot be
 * run. SwiftPM 6.0.3 was seen to crash by itself twice in a day of builds, with nothing wrong in what it built: such a
 * build is done once more, and `say` is told. A crash in tests may be ours, and is one.
 */
export async function swiftEnded(args, start, say) {
  const [code, signal] = await once(start(), "close");
  if (args[0] !== "build" || !crashes.includes(signal)) return code ?? 1;
  say(`swift build crashed by itself (${signal}); it is run once more`);
  const [status] = await once(start(), "close");
  return status ?? 1;
}

function withFlags(toolchain, args) {
  const [subcommand = "", ...rest] = args;
  if (!linking.includes(subcommand)) return args;
  return [subcommand, "--package-path", join(root, "ios-bridge"), ...linkFlags(toolchain), ...rest];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv[2] === "--look") {
      process.stdout.write(`${JSON.stringify(lookForToolchain())}\n`);
    } else if (process.argv[2] === "--where") {
      const toolchain = findToolchain((text) => process.stderr.write(`${text} …\n`));
      process.stdout.write(`${toolchain.kind === "system" ? "the machine's own swift" : toolchain.root}\n`);
    } else {
      const args = process.argv.slice(2);
      const say = (text) => process.stderr.write(`reelcache: ${text}\n`);
      process.exitCode = await swiftEnded(args, () => runSwift(args), say);
    }
  } catch (error) {
    const cannotRun = error.syscall?.startsWith("spawn");
    if (!(error instanceof ToolchainError) && !cannotRun) throw error;
    process.stderr.write(`reelcache: ${cannotRun ? "swift cannot be run: " : ""}${error.message}\n`);
    process.exitCode = 1;
  }
}
