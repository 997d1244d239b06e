/** The command line of a command for a cache: its own flags, and the option table's to find the proxy or its cache. */
import { Command } from "commander";
import type { Options } from "../options.ts";
import { upstreamBytes } from "../upstream-bytes.ts";
import type { Environment, NoRun } from "./command-line.ts";
import { readArguments, tableOptions } from "./command-line.ts";
import type { ControlName } from "./control-names.ts";

/** A command, its URL ("" where it takes none), the query that asks the proxy for it, and how it answers. */
export type ControlLine =
  | { kind: "control"; name: ControlName; url: string; query: string; options: Options; json: boolean }
  | NoRun;

type Row = { description: string; takesUrl: boolean; flags: [flag: string, help: string][] };

const rows: Record<ControlName, Row> = {
  preload: {
    description: "Fetch what a player of this URL will ask for: one variant with its audio, keys and segments.",
    takesUrl: true,
    flags: [
      ["--seconds <number>", "only the segments that begin within so many seconds"],
      ["--segments <number>", "only so many segments"],
      ["--bytes <number>", "only so many bytes"],
      ["--bandwidth <bits>", "the best variant within so many bits a second, instead of the first"],
      ["--height <pixels>", "the best variant within this height"],
      ["--index <number>", "the variant at this place, from 0"],
      ["--subtitles", "its subtitles as well"],
      ["--priority <number>", "0 to 9; what has more goes first"],
    ],
  },
  ls: { description: "List what is stored.", takesUrl: false, flags: [] },
  why: { description: "Say whether this URL plays without a network, and what is missing.", takesUrl: true, flags: [] },
  pin: { description: "Keep from eviction what is stored of this URL and its playlists.", takesUrl: true, flags: [] },
  unpin: { description: "Let it be evicted again.", takesUrl: true, flags: [] },
  rm: { description: "Remove what is stored of this URL and its playlists.", takesUrl: true, flags: [] },
};

/** Reads the arguments, the first of which is the command's name. Never throws for what a user wrote. */
export function readControlLine(name: ControlName, args: string[], environment: Environment): ControlLine {
  const row = rows[name];
  const command = new Command(`reelcache ${name}`)
    .description(row.description)
    .helpOption("-h, --help", "print this text");
  if (row.takesUrl) command.argument("<url>", "the URL, as the origin has it");
  for (const [flag, help] of row.flags) command.option(flag, help);
  command.option("--json", "print JSON lines even in a terminal");
  for (const option of tableOptions()) {
    const isOurs = ["host", "port", "secret", "cache-dir", "allow-private"].includes(option.long?.slice(2) ?? "");
    command.addOption(isOurs ? option : option.hideHelp());
  }
  command.allowExcessArguments(false).addHelpText("after", helpAfter);
  const read = readArguments(command, args.slice(1), environment);
  if (read.kind !== "read") return read;
  const [url = ""] = command.args;
  const given: Record<string, unknown> = command.opts();
  return {
    kind: "control",
    name,
    url,
    query: queryOf(row, url, given),
    options: read.options,
    json: given.json === true,
  };
}

const helpAfter =
  "\nAsks the proxy that listens on --host and --port; when none does, works on the cache folder itself, with all of" +
  "\nthe proxy's options and REELCACHE_ variables." +
  "\n\nExit status: 0 done; 1 not done: the preload failed, the URL does not play without a network, nothing was" +
  "\nstored; 2 wrong option; 4 cache folder not usable; 5 what listens there is no proxy of this kind, refuses, or" +
  "\ndoes not answer; 130 cancelled by a signal.";

/** The query of the command of control: the flags have the names of its parameters. */
function queryOf(row: Row, url: string, given: Record<string, unknown>): string {
  const pieces = row.takesUrl ? [`url=${encodeURIComponent(upstreamBytes(url))}`] : [];
  for (const [flag] of row.flags) {
    const name = flag.split(" ")[0]?.slice(2) ?? "";
    const value = given[name];
    if (value === true) pieces.push(name);
    else if (typeof value === "string") pieces.push(`${name}=${encodeURIComponent(value)}`);
  }
  return pieces.join("&");
}
