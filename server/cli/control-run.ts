/** Carries out a command for a cache, at the proxy that runs or, when none does, at one that runs for the command alone. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "../index.ts";
import { StartError } from "../index.ts";
import type { Options, PartialOptions } from "../options.ts";
import type { Environment } from "./command-line.ts";
import type { ControlLine } from "./control-line.ts";
import { readControlLine } from "./control-line.ts";
import { isControlName } from "./control-names.ts";
import { entryText, preloadText, statusText } from "./control-text.ts";

/** What a command needs of its process; a test may stand in for any of it. */
export type ControlWorld = {
  args: string[];
  environment: Environment;
  start: (options: PartialOptions) => Promise<Pick<Server, "url" | "stop">>;
  write: (text: string) => void;
  complain: (text: string) => void;
  terminal: { out: boolean; columns: number };
  /** Calls back on each request to stop (SIGINT, SIGTERM, SIGHUP). */
  onStop: (callback: () => void) => void;
  /** Longest that a proxy may take for an answer, in milliseconds: what listens may be anything. */
  answerMs: number;
};

/** Exit statuses (R-CLI-13). */
export const controlExits = { done: 0, notDone: 1, wrongOption: 2, cacheUnusable: 4, refused: 5, cut: 130 };

/** Time between two looks at a preload, in milliseconds. */
const lookMs = 100;

type Line = Extract<ControlLine, { kind: "control" }>;
type Ask = (method: "GET" | "POST", command: string) => Promise<Record<string, unknown>>;

/** The proxy answered with a problem. */
class Refusal extends Error {
  /** What was asked for is the user's mistake. */
  readonly isWrong: boolean;

  constructor(message: string, isWrong: boolean) {
    super(message);
    this.isWrong = isWrong;
  }
}

/** Runs one command; resolves with the exit status. */
export async function runControl(world: ControlWorld): Promise<number> {
  const [name] = world.args;
  if (!isControlName(name)) throw new TypeError("the first argument must be the name of a command");
  const line = readControlLine(name, world.args, world.environment);
  if (line.kind === "print") {
    world.write(line.text);
    return controlExits.done;
  }
  if (line.kind === "refused") return complain(world, controlExits.wrongOption, line.message);
  let own: Pick<Server, "stop"> | null = null;
  try {
    const address = proxyAddress(line.options);
    // R-CLI-12
    if (await answers(address, world.answerMs)) return await carryOut(world, line, asker(address, world.answerMs));
    const server = await world.start({ ...line.options, host: "127.0.0.1", port: 0, logLevel: "silent" });
    own = server;
    return await carryOut(world, line, asker(`${server.url}${secretPath(line.options)}`, world.answerMs));
  } catch (error) {
    if (error instanceof StartError) return complain(world, controlExits.cacheUnusable, error.message);
    if (error instanceof Refusal && error.isWrong) return complain(world, controlExits.wrongOption, error.message);
    return complain(world, controlExits.refused, error instanceof Error ? error.message : String(error));
  } finally {
    await own?.stop();
  }
}

async function carryOut(world: ControlWorld, line: Line, ask: Ask): Promise<number> {
  const json = line.json || !world.terminal.out;
  switch (line.name) {
    case "ls":
      return await list(world, ask, json);
    case "preload":
      return await preload(world, line, ask, json);
    case "why": {
      const status = await ask("GET", `status?${line.query}`);
      world.write(json ? jsonLine(status) : statusText(status));
      return status.playable === true ? controlExits.done : controlExits.notDone;
    }
    case "pin":
    case "unpin":
    case "rm": {
      const answer = await ask("POST", `${line.name === "rm" ? "remove" : line.name}?${line.query}`);
      const count = Number(answer.changed ?? answer.removed);
      world.write(json ? jsonLine(answer) : `${count} ${count === 1 ? "resource" : "resources"}\n`);
      return count > 0 ? controlExits.done : controlExits.notDone;
    }
  }
}

async function list(world: ControlWorld, ask: Ask, json: boolean): Promise<number> {
  let after = 0;
  do {
    const page = await ask("GET", `entries?after=${after}&limit=1000`);
    for (const entry of page.entries as Record<string, unknown>[])
      world.write(json ? jsonLine(entry) : entryText(entry));
    after = Number(page.next);
  } while (after > 0);
  return controlExits.done;
}

/** Follows a preload to its end; a request to stop cancels it. */
async function preload(world: ControlWorld, line: Line, ask: Ask, json: boolean): Promise<number> {
  let now = await ask("POST", `preload?${line.query}`);
  let stopped = false;
  let shown = "";
  world.onStop(() => {
    stopped = true;
  });
  for (;;) {
    const text = json ? jsonLine(now) : preloadText(now, world.terminal.columns);
    if (text !== shown) world.write(json ? text : `\r${text}`);
    shown = text;
    if (now.state !== "active") break;
    if (stopped) {
      now = await ask("POST", `cancel?id=${now.id}`);
      continue;
    }
    await sleep(lookMs);
    const { preloads } = await ask("GET", "preloads");
    const found = (preloads as Record<string, unknown>[]).find((one) => one.id === now.id);
    // Others that ended since may have taken its place in the proxy's memory.
    if (found === undefined) throw new Error("the proxy does not know the preload any more");
    now = found;
  }
  if (!json) world.write("\n");
  if (now.state === "cancelled" && stopped) return controlExits.cut;
  return now.state === "done" ? controlExits.done : controlExits.notDone;
}

/** Where the proxy would be, with its secret. */
function proxyAddress(options: Options): string {
  const host = options.host === "0.0.0.0" || options.host === "::" ? "localhost" : options.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${options.port}${secretPath(options)}`;
}

function secretPath(options: Options): string {
  return options.secret === "" ? "" : `/~${options.secret}`;
}

/** Whether anything listens there. */
async function answers(address: string, answerMs: number): Promise<boolean> {
  try {
    await fetched("GET", `${address}/health`, answerMs);
    return true;
  } catch (error) {
    if (hasCode(error, "ECONNREFUSED")) return false;
    throw error;
  }
}

/** A name may have several addresses, each of which refused for itself. */
function hasCode(error: unknown, code: string): boolean {
  if (error instanceof AggregateError) return error.errors.every((one) => hasCode(one, code));
  return error instanceof Error && "code" in error && error.code === code;
}

function asker(address: string, answerMs: number): Ask {
  return async (method, command) => {
    const { status, text } = await fetched(method, `${address}/control/${command}`, answerMs);
    const answer = jsonRecord(text);
    if (answer === null) throw new Refusal(`${new URL(address).host} is no proxy of this kind, or an older one`, false);
    if (status === 200) return answer;
    const why = [answer.title, answer.detail].filter((part) => part !== undefined).join(": ");
    // A 400 is for the command line, everything else for whoever runs the proxy.
    throw new Refusal(why, status === 400);
  };
}

/** Not by `fetch`, which refuses some ports that a proxy may listen on. */
function fetched(method: string, url: string, answerMs: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { "Reelcache-Control": "1" }, agent: false });
    asked.setTimeout(answerMs, () => asked.destroy(new Error(`${new URL(url).host} does not answer`)));
    asked.on("error", reject).on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("error", reject);
      response.on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.end();
  });
}

/** The members of a JSON object; null when the text is none. */
function jsonRecord(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

function jsonLine(answer: Record<string, unknown>): string {
  return `${JSON.stringify(answer)}\n`;
}

function complain(world: ControlWorld, status: number, message: string): number {
  world.complain(`reelcache: ${message}\n`);
  return status;
}
