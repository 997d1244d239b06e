/** The commands `record` and `import` of the harness. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { demoSets } from "../../server/demo/demo-origin.ts";
import { importHar } from "./har-import.ts";
import { players } from "./players.ts";

/** Adds both commands to the program. */
export function addRecordCommands(program: Command): void {
  const sets = demoSets().filter((set) => set.kind === "vod" || set.kind === "progressive");
  program
    .command("record")
    .description("record a real player through the proxy: traffic.har and case.json")
    .addOption(new Option("--player <name>", "the player").choices(Object.keys(players)).makeOptionMandatory())
    .addOption(new Option("--set <name>", "the demo set").choices(sets.map((set) => set.name)).makeOptionMandatory())
    .addOption(new Option("--form <form>", "form of the proxied URL").choices(["query", "path"]).default("query"))
    .requiredOption("--out <folder>", "folder of the case")
    .action(async (options: { player: string; set: string; form: "query" | "path"; out: string }) => {
      // The whole server is behind this, and a replay does without.
      const { record } = await import("./record.ts");
      await said(program, () => record(options));
    });
  program
    .command("import")
    .description("make a case of a HAR 1.2 file (Charles, Proxyman, mitmproxy, browsers)")
    .argument("<file>", "the HAR file")
    .requiredOption("--out <folder>", "folder of the case")
    .option("--host <host>", "only requests of this host or host:port (again for more)", collectHost, [])
    .option("--keep-secrets", "keep Cookie, Authorization and Set-Cookie", false)
    .action(async (file: string, options: { out: string; host: string[]; keepSecrets: boolean }) => {
      const { out, host: hosts, keepSecrets } = options;
      await said(program, () => importHar({ file, out, hosts, keepSecrets }));
    });
}

/** Prints what a command did, or why it could not. */
async function said(program: Command, act: () => string | Promise<string>): Promise<void> {
  try {
    process.stdout.write(`${await act()}\n`);
  } catch (error) {
    program.error(error instanceof Error ? error.message : String(error));
  }
}

function collectHost(host: string, hosts: string[]): string[] {
  if (!/^[^/\s]+$/.test(host)) throw new InvalidArgumentError("a host or host:port");
  return [...hosts, host];
}
