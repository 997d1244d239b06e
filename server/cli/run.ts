/** One run of the command: checks, starts, prints, waits for a signal, stops. Ends with an exit status. */
import { readFileSync } from "node:fs";
import { parseIp } from "../core/route/ip-address.ts";
import { addressClass, upstreamAddressAllowed } from "../core/route/upstream-access.ts";
import type { DemoOrigin } from "../demo/demo-origin.ts";
import { demoPage } from "../demo/demo-page.ts";
import { type DemoSet, demoSets } from "../demo/demo-sets.ts";
import { type Server, StartError } from "../index.ts";
import type { Options, PartialOptions } from "../options.ts";
import { type CommandLine, readCommandLine } from "./command-line.ts";
import { jsonLines, type Offer, reachableUrl, startScreen } from "./start-screen.ts";

/** What the command needs of a running server. */
export type RunningServer = Pick<Server, "url" | "convertUrl" | "servePages" | "stop">;

/** What the command needs of its process; a test may stand in for any of it. */
export type World = {
  args: string[];
  environment: Record<string, string | undefined>;
  version: string;
  start: (options: PartialOptions) => Promise<RunningServer>;
  write: (text: string) => void;
  complain: (text: string) => void;
  terminal: { out: boolean; error: boolean; columns: number };
  /** Calls back on each request to stop (SIGINT, SIGTERM, SIGHUP). */
  onStop: (callback: () => void) => void;
  now: () => number;
};

/** Exit statuses. */
export const exitCodes = { stopped: 0, failed: 1, wrongOption: 2, portTaken: 3, cacheUnusable: 4, cut: 130 };

/** A signal that arrives twice within this time is one key press, forwarded by npm or the start script. */
const sameSignalMs = 250;

type Run = Extract<CommandLine, { kind: "run" }>;
type Failure = { exit: number; message: string };

/** Runs until a signal; resolves with the exit status. `exit` ends the process at once, at the second signal. */
export async function runCommand(world: World, exit: (status: number) => void): Promise<number> {
  const line = readCommandLine(world.args, world.environment, world.version);
  if (line.kind === "print") {
    world.write(line.text);
    return exitCodes.stopped;
  }
  if (line.kind === "refused") {
    return complain(world, { exit: exitCodes.wrongOption, message: line.message });
  }
  const fault = fileFault(line.options);
  if (fault !== null) {
    return complain(world, fault);
  }
  const demo = line.urls.length === 0 ? await startDemo(line.options.port) : null;
  let server: RunningServer;
  try {
    server = await world.start(startOptions(line, demo, world.terminal.error));
  } catch (error) {
    await demo?.close();
    return complain(world, startFailure(error, line.options));
  }
  const stopped = stopOnSignal(world, exit, async () => {
    await server.stop();
    await demo?.close();
  });
  const sets = demo === null ? line.urls.map(ownSet) : demoSets();
  const offers = sets.map((set) => offerOf(set, server, demo?.url ?? "", line.options));
  serveDemo(server, sets, offers);
  world.write(readyText(world, line, server, offers));
  return await stopped;
}

/** The options for the server: what the user said, with the demo's origin let in and logs made for the reader. */
function startOptions(line: Run, demo: DemoOrigin | null, terminal: boolean): PartialOptions {
  const options: PartialOptions = { ...line.options };
  if (!line.given.has("logFormat")) {
    options.logFormat = terminal ? "pretty" : "json";
  }
  if (demo !== null) {
    options.allowPrivate = [...line.options.allowPrivate, `127.0.0.1:${demo.port}`];
    if (line.options.allowUpstream.length > 0) {
      options.allowUpstream = [...line.options.allowUpstream, `127.0.0.1:${demo.port}`, `localhost:${demo.port}`];
    }
  }
  return options;
}

/** The demo's origin listens beside the proxy, so that its URLs, and with them the cache, outlive a restart. */
async function startDemo(proxyPort: number): Promise<DemoOrigin> {
  // Loaded only for a demo: a proxy for somebody's own URLs is smaller without it.
  const { startDemoOrigin } = await import("../demo/demo-origin.ts");
  const wanted = proxyPort === 0 || proxyPort === 65_535 ? 0 : proxyPort + 1;
  try {
    return await startDemoOrigin({ port: wanted });
  } catch (error) {
    if (errorCode(error) !== "EADDRINUSE") {
      throw error;
    }
    return await startDemoOrigin({ port: 0 });
  }
}

/** A URL of the user's own, as the page lists it. What is no playlist by its name is one file. */
function ownSet(url: string, index: number): DemoSet {
  const isFile = /\.(?:mp4|m4v|m4a|mov|mp3|aac|webm)$/i.test(new URL(url).pathname);
  return { name: `url-${index + 1}`, title: url, path: url, note: "", kind: isFile ? "progressive" : "vod" };
}

function offerOf(set: DemoSet, server: RunningServer, origin: string, options: Options): Offer {
  const url = origin + set.path;
  const converted = server.convertUrl(url);
  const own = converted.startsWith(server.url);
  const proxied = own ? reachableUrl(server.url, options) + converted.slice(server.url.length) : converted;
  return { title: set.title, url, proxied };
}

/** The page's URLs have no host, so that it plays under whatever name the browser reached it by. */
function serveDemo(server: RunningServer, sets: DemoSet[], offers: Offer[]): void {
  const paths = offers.map((offer) => offer.proxied.replace(/^http:\/\/[^/]*/, ""));
  const start = Buffer.from(
    '<!doctype html><meta http-equiv="refresh" content="0; url=demo/"><a href="demo/">reelcache</a>\n',
  );
  server.servePages((path) => {
    return path === "/" ? { contentType: "text/html; charset=utf-8", body: start } : demoPage(path, sets, paths);
  });
}

function readyText(world: World, line: Run, server: RunningServer, offers: Offer[]): string {
  const url = reachableUrl(server.url, line.options);
  const secret = line.options.secret === "" ? "" : `/~${line.options.secret}`;
  const notes = line.urls.flatMap((text) => privateNote(text, line.options));
  const page = `${url}${secret}/demo/`;
  const { version } = world;
  const screen = { version, listening: server.url, url, page, options: line.options, offers, notes };
  const json = line.json || !world.terminal.out;
  const colour = !world.environment.NO_COLOR && world.environment.TERM !== "dumb";
  return json ? jsonLines(screen) : startScreen(screen, world.terminal.columns, colour);
}

/** An origin on a private address answers 403 until it is allowed; better said now than found out in the player. */
function privateNote(url: string, options: Options): string[] {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname === "localhost" ? "127.0.0.1" : hostname;
  const portNumber = port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
  if (parseIp(host) === null || addressClass(host) === "public") {
    return [];
  }
  const allowed =
    upstreamAddressAllowed(host, hostname, portNumber, options.allowPrivate) ||
    upstreamAddressAllowed(host, host, portNumber, options.allowPrivate);
  return allowed
    ? []
    : [`${hostname} is not public: add --allow-private ${hostname}:${portNumber} to let it be played`];
}

function stopOnSignal(world: World, exit: (status: number) => void, stop: () => Promise<void>): Promise<number> {
  return new Promise((resolve) => {
    let firstAt = -1;
    world.onStop(() => {
      // R-CLI-9
      if (firstAt >= 0) {
        if (world.now() - firstAt > sameSignalMs) {
          exit(exitCodes.cut);
        }
        return;
      }
      // R-CLI-8
      firstAt = world.now();
      stop().then(
        () => resolve(exitCodes.stopped),
        (error: unknown) => resolve(complain(world, { exit: exitCodes.failed, message: errorMessage(error) })),
      );
    });
  });
}

/** The certificate file must be one that can be read. */
function fileFault(options: Options): Failure | null {
  try {
    if (options.originCa !== "") {
      readFileSync(options.originCa);
    }
    return null;
  } catch (error) {
    const value = JSON.stringify(options.originCa);
    const message = `--origin-ca: ${value} cannot be read (${errorCode(error)}); it must be a PEM file`;
    return { exit: exitCodes.wrongOption, message };
  }
}

function startFailure(error: unknown, options: Options): Failure {
  // R-CLI-7: the options were checked before; what is left for a StartError is the cache folder.
  if (error instanceof StartError) {
    return { exit: exitCodes.cacheUnusable, message: `${error.message} The option is --cache-dir.` };
  }
  const code = errorCode(error);
  // R-CLI-6
  if (code === "EADDRINUSE") {
    return { exit: exitCodes.portTaken, message: `port ${options.port} is taken on ${options.host}: use --port` };
  }
  if (code === "EACCES" && options.port > 0 && options.port < 1024) {
    return {
      exit: exitCodes.portTaken,
      message: `port ${options.port} needs privileges: use --port with 1024 or more`,
    };
  }
  if (code === "EADDRNOTAVAIL") {
    return { exit: exitCodes.portTaken, message: `${options.host} is no address of this machine: use --host` };
  }
  return { exit: exitCodes.failed, message: errorMessage(error) };
}

function complain(world: World, failure: Failure): number {
  world.complain(`reelcache: ${failure.message}\n`);
  return failure.exit;
}

/** The system's code of an error or of its cause; "" when it has none. */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) {
    return "";
  }
  return "code" in error && typeof error.code === "string" ? error.code : errorCode(error.cause);
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
