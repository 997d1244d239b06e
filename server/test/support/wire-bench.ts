/**
 * The bench of the wire tests: a scripted origin, the proxy before it, and what a test says about a response.
 *
 * The proxy runs in the test's process on a real socket (port 0) with its cache in a fresh folder; `forkProxy` runs it
 * in a process of its own where a test measures its memory or kills it.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Hooks, startServer } from "../../index.ts";
import {
  barrier,
  patternBytes,
  type RawConnection,
  type RawHandler,
  type RawOrigin,
  type RawRequest,
  type RawTest,
  rawField,
  rawOrigin,
  until,
} from "./raw-origin.ts";
import { type Ask, askOnce, field, WireCut, type WireResponse } from "./raw-player.ts";
import { memoryOf, startWireCommand, wireCommand } from "./wire-command.ts";

export type { RawConnection, RawOrigin, RawRequest, RawTest };
export { barrier, patternBytes, rawField, rawOrigin, until };

export type ServerOptions = Parameters<typeof startServer>[0];
export type Server = Awaited<ReturnType<typeof startServer>>;

/** A test of what only the library in this process has: a command under the wire tests is not asked for it. */
export function libraryTest(name: string, run: (t: Test) => Promise<void>): void {
  if (wireCommand === "") void t.test(name, run);
}

/** One resource of a well-behaved origin. */
export type Resource = {
  body: Buffer;
  type: string;
  /** Without the field when null. */
  etag: string | null;
  lastModified: string | null;
  /** Further response fields, flat. */
  fields: string[];
};

export type Bench = {
  origin: RawOrigin;
  server: Server;
  port: number;
  cacheDir: string;
  /** Target of the query form for a path of the origin. */
  query(path: string): string;
  /** Target of the path form. */
  path(path: string): string;
  /** One request in query form on a connection of its own. */
  ask(path: string, ask?: Ask): Promise<WireResponse>;
};

export const httpDate = "Sun, 06 Nov 2022 08:49:37 GMT";

/** A media segment of pattern bytes with a strong validator. */
export function segment(bytes: number, offset = 0): Resource {
  const body = patternBytes(offset, bytes);
  return { body, type: "video/mp2t", etag: `"v${offset}-${bytes}"`, lastModified: httpDate, fields: [] };
}

/** A playlist resource; the origin allows reuse for `maxAge` seconds, or says nothing when negative. */
export function playlist(text: string, maxAge = -1): Resource {
  const body = Buffer.from(text, "latin1");
  const fields = maxAge < 0 ? [] : ["Cache-Control", `max-age=${maxAge}`];
  return { body, type: "application/vnd.apple.mpegurl", etag: null, lastModified: null, fields };
}

/** A fresh folder, removed at teardown. */
export function scratch(t: RawTest): string {
  const dir = mkdtempSync(join(tmpdir(), "reelcache-wire-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Starts the proxy; it is stopped at teardown. */
export async function proxy(t: RawTest, options: ServerOptions, hooks: Hooks = {}): Promise<Server> {
  const given = { port: 0, logLevel: "silent", allowPrivate: ["127.0.0.1:*"], ...options };
  const server = wireCommand === "" ? await startServer(given, hooks) : await commandServer(given);
  t.teardown(() => server.stop());
  return server;
}

/** A command in the shape of the library's server; what a command cannot do throws. */
async function commandServer(options: NonNullable<ServerOptions>): Promise<Server> {
  const command = await startWireCommand(options);
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= command.stop();
    return stopped;
  };
  return { ...command, stop } as unknown as Server;
}

/** Origin and proxy for one test. */
export async function bench(
  t: RawTest,
  handler: RawHandler,
  options: ServerOptions = {},
  hooks: Hooks = {},
): Promise<Bench> {
  const cacheDir = scratch(t);
  const origin = await rawOrigin(t, handler);
  const server = await proxy(t, { cacheDir, ...options }, hooks);
  const query = (path: string): string => `/proxy?url=${encodeURIComponent(origin.url + path)}`;
  return {
    origin,
    server,
    port: server.port,
    cacheDir,
    query,
    path: (path) => `/http/127.0.0.1:${origin.port}${path}`,
    ask: (path, ask = {}) => askOnce(server.port, query(path), ask),
  };
}

/** What a good origin answers: whole, a single range, 304, 416, or the head alone. Returns the body bytes queued. */
export function serve(connection: RawConnection, request: RawRequest, resource: Resource): number {
  const total = resource.body.length;
  const fields = ["Content-Type", resource.type, "Accept-Ranges", "bytes", ...resource.fields];
  if (resource.etag !== null) fields.push("ETag", resource.etag);
  if (resource.lastModified !== null) fields.push("Last-Modified", resource.lastModified);
  const noneMatch = rawField(request.fields, "If-None-Match");
  if (noneMatch !== null && noneMatch === resource.etag) {
    void connection.write(headText(304, "Not Modified", fields));
    return 0;
  }
  const ifRange = rawField(request.fields, "If-Range");
  const honoured = ifRange === null || ifRange === resource.etag || ifRange === resource.lastModified;
  const range = honoured ? askedRange(request, total) : null;
  if (range !== null && range.start >= range.end) {
    void connection.write(
      headText(416, "Range Not Satisfiable", ["Content-Range", `bytes */${total}`, "Content-Length", "0"]),
    );
    return 0;
  }
  const [start, end] = range === null ? [0, total] : [range.start, range.end];
  fields.push("Content-Length", String(end - start));
  if (range !== null) fields.push("Content-Range", `bytes ${start}-${end - 1}/${total}`);
  const head = range === null ? headText(200, "OK", fields) : headText(206, "Partial Content", fields);
  if (request.method === "HEAD") {
    void connection.write(head);
    return 0;
  }
  void connection.write(Buffer.concat([Buffer.from(head, "latin1"), resource.body.subarray(start, end)]));
  return end - start;
}

/** A response head of an origin, with its empty line. */
export function headText(status: number, reason: string, fields: string[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The range a request asks for, end exclusive and clamped; start >= end when it cannot be satisfied; null = whole. */
export function askedRange(request: RawRequest, total: number): { start: number; end: number } | null {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(rawField(request.fields, "Range") ?? "");
  if (parts === null || (parts[1] === "" && parts[2] === "")) return null;
  if (parts[1] === "") return { start: Math.max(0, total - Number(parts[2])), end: total };
  const end = parts[2] === "" ? total : Math.min(total, Number(parts[2]) + 1);
  return { start: Number(parts[1]), end };
}

/** Whether Cache-Status says that the response came from the cache alone. */
export function isHit(response: { fields: string[] }): boolean {
  return /^[^;,]+; *hit(;|$)/.test(field(response, "cache-status") ?? "");
}

/** The head's fields in order without those that may differ between a hit and a miss. */
export function steadyFields(response: { fields: string[] }): string[] {
  const kept: string[] = [];
  for (let at = 0; at < response.fields.length; at += 2) {
    const name = response.fields[at] ?? "";
    if (["Cache-Status", "Age"].includes(name)) continue;
    kept.push(`${name}: ${name === "Date" ? "(some date)" : response.fields[at + 1]}`);
  }
  return kept;
}

/** The `type` of a problem body (RFC 9457), or what the body was instead. */
export function problemType(response: WireResponse): string {
  if (field(response, "content-type") !== "application/problem+json")
    return `not a problem: ${field(response, "content-type")}`;
  const problem: unknown = JSON.parse(response.body.toString("utf8"));
  return typeof problem === "object" && problem !== null && "type" in problem ? String(problem.type) : "no type";
}

/** The response, or the bytes that came before the connection was cut. */
export async function outcome(asked: Promise<WireResponse>): Promise<WireResponse | { cut: Buffer }> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof WireCut) return { cut: error.received };
    throw error;
  }
}

/** Says where two bodies part, since a diff of megabytes helps nobody; "" when they are equal. */
export function bodyFault(got: Buffer, expected: Buffer): string {
  if (got.equals(expected)) return "";
  let at = 0;
  while (at < Math.min(got.length, expected.length) && got[at] === expected[at]) at += 1;
  return `${got.length} bytes for ${expected.length}, first difference at ${at}`;
}

/** All files below a folder with their sizes, largest first. */
export function filesBelow(dir: string): { path: string; bytes: number }[] {
  const files: { path: string; bytes: number }[] = [];
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined) files.push({ path, bytes: stat.size });
  }
  return files.sort((a, b) => b.bytes - a.bytes);
}

/** A seeded generator of whole numbers below `bound` (xorshift32): failures can be repeated. */
export function seeded(seed: number): (bound: number) => number {
  let state = seed | 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** The proxy in a process of its own. */
export type ForkedProxy = {
  port: number;
  /** Resident set size of the proxy now and its highest so far (looked at every 20 ms), in bytes. */
  memory(): Promise<{ now: number; peak: number }>;
  /** SIGKILL, and the process is gone. */
  kill(): Promise<void>;
};

/** Starts the proxy in its own process; ended at teardown. */
export async function forkProxy(t: RawTest, options: ServerOptions): Promise<ForkedProxy> {
  if (wireCommand !== "") return await forkCommand(t, options);
  const file = new URL("./proxy-child.ts", import.meta.url);
  const child: ChildProcess = fork(file, [JSON.stringify(options)], { execArgv: ["--expose-gc"] });
  const gone = once(child, "exit");
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await gone;
  };
  t.teardown(kill);
  const [ready] = await Promise.race([once(child, "message"), gone]);
  if (typeof ready !== "object" || ready === null || !("port" in ready))
    throw new Error("the forked proxy did not start");
  return {
    port: Number(ready.port),
    kill,
    async memory() {
      child.send("memory");
      const [answer] = await once(child, "message");
      return { now: Number(answer.now), peak: Number(answer.peak) };
    },
  };
}

async function forkCommand(t: RawTest, options: ServerOptions): Promise<ForkedProxy> {
  const given = { port: 0, logLevel: "silent", allowPrivate: ["127.0.0.1:*"], ...options };
  const { child, port } = await startWireCommand(given);
  const gone = once(child, "exit");
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await gone;
  };
  t.teardown(kill);
  return { port, kill, memory: async () => memoryOf(child) };
}
