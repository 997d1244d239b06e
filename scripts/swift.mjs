/**
 * `node scripts/swift.mjs build …`: runs `swift` in ios-bridge with whatever toolchain the machine has or gets. What is
 * linked runs outside of the toolchain's folder too. `--where` prints the toolchain and ends; `--look` prints as JSON what
 * there is, and fetches nothing.
 */
import { spawn } from "node:child_process";
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
      const child = runSwift(process.argv.slice(2));
      child.on("error", (error) => {
        process.stderr.write(`reelcache: swift cannot be run (${error.message})\n`);
        process.exitCode = 1;
      });
      child.on("exit", (code) => {
        process.exitCode = code ?? 1;
      });
    }
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    process.stderr.write(`reelcache: ${error.message}\n`);
    process.exitCode = 1;
  }
}
