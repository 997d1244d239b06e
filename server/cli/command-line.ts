/**
 * The command line: flags from the option table, URLs as arguments. Flags win over the environment, the environment
 * over the defaults.
 */
import { Command, CommanderError, Option } from "commander";
import { defaultLimits } from "../core/base/limits.ts";
import { formatByteCount, readEnvironment, readOptionText } from "../option-text.ts";
import {
  defaultOptions,
  type OptionRow,
  type Options,
  optionTable,
  type PartialOptions,
  resolveOptions,
} from "../options.ts";

/** What the command line asks for: run with options, or print a text and end with a status. */
export type CommandLine = { kind: "run"; options: Options; given: Set<string>; urls: string[]; json: boolean } | NoRun;

/** A text to print, or why nothing is done. */
export type NoRun = { kind: "print"; text: string } | { kind: "refused"; message: string };

export type Environment = Record<string, string | undefined>;

/** Reads the arguments (without node and script) and the environment. Never throws for what a user wrote. */
export function readCommandLine(args: string[], environment: Environment, version: string): CommandLine {
  const command = buildCommand(version);
  const read = readArguments(command, args, environment);
  if (read.kind !== "read") {
    return read;
  }
  const given = new Set(Object.keys(read.chosen));
  return { kind: "run", options: read.options, given, urls: command.args, json: command.opts().json === true };
}

/** What the arguments and the environment come to, before URLs are used. */
type Read = { kind: "read"; chosen: PartialOptions; options: Options } | NoRun;

/** Reads the arguments of a command whose arguments are URLs and whose options are those of the table. */
export function readArguments(command: Command, args: string[], environment: Environment): Read {
  let printed = "";
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => undefined,
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    return fromCommander(error, printed);
  }
  const fromEnvironment = readEnvironment(environment);
  if (!fromEnvironment.ok) {
    return { kind: "refused", message: fromEnvironment.message };
  }
  // R-CLI-11
  const chosen: PartialOptions = { ...fromEnvironment.options };
  const texts: Record<string, unknown> = command.opts();
  for (const row of optionTable) {
    const fault = readFlag(chosen, row, texts[camelCase(row.flag)]);
    if (fault !== null) {
      return { kind: "refused", message: fault };
    }
  }
  const badUrl = command.args.find((text) => !isWebUrl(text));
  if (badUrl !== undefined) {
    return { kind: "refused", message: `${JSON.stringify(badUrl)} is not an http or https URL` };
  }
  const resolved = resolveOptions(chosen);
  if (!resolved.ok) {
    return { kind: "refused", message: resolved.message };
  }
  return { kind: "read", chosen, options: resolved.options };
}

function buildCommand(version: string): Command {
  const command = new Command("reelcache");
  command
    .description("A caching proxy for HLS video on loopback. Without a URL it plays its own demo.")
    .argument("[urls...]", "URLs of playlists or files to print in proxied form")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this text")
    .addHelpText(
      "after",
      "\nSizes take KB, MB, GB, KiB, MiB, GiB; durations take ms, s, m, h. Lists take commas or the flag again." +
        "\nEach option is also read from the environment variable named after it; flags win." +
        `\n\nLimits for --limit, with their defaults:\n${limitLines()}` +
        "\n\nCommands for a cache, each with its own --help: preload, ls, why, pin, unpin, rm." +
        "\n\nExit status: 0 stopped, 1 failed, 2 wrong option, 3 port not to be had, 4 cache folder not usable.",
    );
  for (const option of tableOptions()) {
    command.addOption(option);
  }
  command.option("--json", "print JSON lines even in a terminal");
  return command;
}

/** The flags of the option table. */
export function tableOptions(): Option[] {
  return optionTable.flatMap(flagsOf);
}

/** The limits in lines of up to 100 columns. */
function limitLines(): string {
  let text = " ";
  let column = 1;
  for (const [name, value] of Object.entries(defaultLimits)) {
    const item = ` ${name}=${value}`;
    if (column + item.length > 100) {
      text += "\n ";
      column = 1;
    }
    text += item;
    column += item.length;
  }
  return text;
}

/** A switch that is on by default is listed as `--no-…`; its other form is accepted as well. */
function flagsOf(row: OptionRow): Option[] {
  const description = `${row.help} (${defaultText(row)}${row.environment})`;
  if (row.kind !== "flag") {
    const option = new Option(`--${row.flag} <${placeholder(row)}>`, description);
    return [option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text])];
  }
  const on = defaultOptions[row.name] === true;
  const negated = `do not ${row.help} (${row.environment}=0)`;
  return [
    on ? new Option(`--${row.flag}`).hideHelp() : new Option(`--${row.flag}`, `${row.help} (${row.environment}=1)`),
    on ? new Option(`--no-${row.flag}`, negated) : new Option(`--no-${row.flag}`).hideHelp(),
  ];
}

function readFlag(chosen: PartialOptions, row: OptionRow, value: unknown): string | null {
  if (typeof value === "boolean") {
    return readOptionText(chosen, row, `--${row.flag}`, [String(value)]);
  }
  return Array.isArray(value) ? readOptionText(chosen, row, `--${row.flag}`, value.map(String)) : null;
}

function fromCommander(error: unknown, printed: string): NoRun {
  if (!(error instanceof CommanderError)) {
    throw error;
  }
  if (error.exitCode === 0) {
    return { kind: "print", text: printed };
  }
  // Commander quotes and prefixes in its own way; its second line is a suggestion.
  const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return { kind: "refused", message: `${message}; reelcache --help lists all options` };
}

function placeholder(row: OptionRow): string {
  switch (row.kind) {
    case "count":
      return "number";
    case "bytes":
      return "size";
    case "seconds":
    case "milliseconds":
      return "duration";
    case "choice":
      return row.name === "logLevel" ? "level" : row.choices.join("|");
    case "hosts":
      return "host";
    case "names":
      return "name";
    case "fields":
      return "field";
    case "limits":
      return "name=value";
    default:
      return row.name === "cacheDir" ? "folder" : row.name === "originCa" ? "file" : row.name;
  }
}

function defaultText(row: OptionRow): string {
  const value = defaultOptions[row.name];
  if (row.name === "cacheDir") {
    return "default reelcache in the user's cache folder; ";
  }
  if (row.name === "logFormat") {
    return "default pretty in a terminal, else json; ";
  }
  if (typeof value === "number") {
    const units: Record<string, string> = { seconds: " s", milliseconds: " ms" };
    const text = row.kind === "bytes" ? formatByteCount(value) : `${value}${units[row.kind] ?? ""}`;
    return `default ${text}; `;
  }
  return typeof value === "string" && value !== "" ? `default ${value}; ` : "";
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function isWebUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.username === "";
}
