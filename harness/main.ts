#!/usr/bin/env node
/** The harness's command: `run` (default), `list`, `doctor`, `requests`, `record`, `import`, `mutants`, `bench`, `first-frame`, `load`, `profile`. Exit status: 0 all right, 1 failures, 2 usage, 3 no target. */
import { Command, CommanderError } from "commander";
import { addBenchCommand } from "./bench/bench-command.ts";
import { addFirstFrameCommand } from "./bench/first-frame/first-frame-command.ts";
import { CaseFileError, findCases } from "./case/case-files.ts";
import { addDoctorCommand } from "./device/doctor-command.ts";
import { addLoadCommand } from "./load/load-command.ts";
import { addMutantsCommand } from "./mutants/mutants-command.ts";
import { addProfileCommand } from "./profile/profile-command.ts";
import { addRecordCommands } from "./record/record-commands.ts";
import { addRequestsCommand } from "./requests/requests-command.ts";
import { KnownFailuresError } from "./run/known-failures.ts";
import { type RunOptions, runCommand, UsageError } from "./run/run-command.ts";
import { TargetError } from "./sut/target.ts";

const program = new Command("conformance").exitOverride().description("Replays traffic against proxies and proves it");

program
  .command("run", { isDefault: true })
  .description("play cases against one or more targets")
  .option(
    "--target <target...>",
    "reference, bridge, device, cmd:COMMAND, or a URL that runs already (default: reference bridge)",
  )
  .option("--mapping <mapping>", "how a target writes an upstream URL: query, path or a template")
  .option(
    "--origin-host <address>",
    "address of this machine at which targets reach the origin (default: loopback; a phone finds one)",
  )
  .option("--server <folder>", "folder of the reference server's source (its index.ts)")
  .option("--cases <folder>", "folder of the cases")
  .option("--only <glob>", "cases whose id matches, comma-separated")
  .option("--step <kind>", "cases that have such a step, such as restart")
  .option("--shard <i/n>", "the i-th of n shares of the cases")
  .option("--repeat <n>", "play each case so many times", "1")
  .option("--seed <n>", "shuffle the cases; 0 keeps their order", "0")
  .option("--jobs <n>", "cases at once", "2")
  .option("--update", "seal what the first target answers; refused in CI")
  .option("--known <folder>", "folder of the lists of known failures, TARGET.json")
  .option("--fail-fast", "stop at the first failure")
  .option("--junit <file>", "write the results as JUnit XML")
  .option("--json <file>", "write the results as JSON")
  .option("--html <file>", "write the results as one page")
  .action(async (options: RunOptions) => {
    const target = options.target ?? (process.env.REELCACHE_NO_SWIFT === "1" ? ["reference"] : ["reference", "bridge"]);
    process.exitCode = await runCommand({ ...options, target }, process.env, process.stdout);
  });

program
  .command("list")
  .description("list the cases")
  .option("--only <glob>", "cases whose id matches, comma-separated")
  .action((options: { only?: string }) => {
    for (const found of findCases(options.only ?? null)) console.log(`${found.case.id}\t${found.case.title}`);
  });

addDoctorCommand(program);
addRequestsCommand(program);
addRecordCommands(program);
addMutantsCommand(program);
addBenchCommand(program);
addFirstFrameCommand(program);
addLoadCommand(program);
addProfileCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOfError(error);
}

function exitCodeOfError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (
    error instanceof UsageError ||
    error instanceof CaseFileError ||
    error instanceof KnownFailuresError ||
    error instanceof TargetError
  ) {
    console.error(error.message);
    return error instanceof TargetError ? 3 : 2;
  }
  throw error;
}
