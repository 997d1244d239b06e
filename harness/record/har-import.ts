/**
 * Makes a case of a HAR file that another tool saved (Charles, Proxyman, mitmproxy, a browser). The player's requests are
 * played in their order and overlap; the origin holds what the responses showed of it: the bodies that the file has, and
 * seeded bytes of the same length for the rest.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { CaseSource, Reply, Resource } from "../case/case-types.ts";
import type { StepTarget } from "./case-steps.ts";
import { caseIdOf, caseOf, writeCase } from "./case-writer.ts";
import { parseHar } from "./har-check.ts";
import { decodedBody, isMedia, redactedFields, upstreamOf } from "./har-entry.ts";
import type { HarEntry } from "./har-types.ts";
import { neutralPorts } from "./neutral-ports.ts";
import type { Moment, RecordedConnection, RecordedRequest, Recording } from "./recording.ts";
import { fieldValue } from "./recording.ts";
import { type OriginReply, type ReplyPlace, resourceOf, scriptedReply } from "./resource-from-reply.ts";

export type ImportOptions = {
  file: string;
  out: string;
  /** Keep Cookie, Authorization and Set-Cookie as they are. */
  keepSecrets: boolean;
  /** Only requests of these hosts (host or host:port); [] for all. */
  hosts: string[];
};

/** Imports a file and writes the case. Returns a line for the terminal. */
export function importHar(options: ImportOptions): string {
  const { log } = parseHar(readFileSync(options.file, "utf8"));
  const isWanted = (entry: HarEntry): boolean =>
    isMedia(entry) && (options.hosts.length === 0 || options.hosts.includes(hostOf(upstreamOf(entry).url)));
  const entries = log.entries.filter(isWanted).sort((a, b) => startOf(a) - startOf(b));
  if (entries.length === 0) throw new Error(`${options.file} has no request for media that was on the wire`);
  const naming = originNames(entries);
  const tool = `${log.creator.name} ${log.creator.version}`.trim();
  const player = log.browser === undefined ? tool : `${log.browser.name} ${log.browser.version}`.trim();
  const recording = recordingOf(entries, player, options.keepSecrets);
  const left = log.entries.length - entries.length;
  const note = `${entries.length} requests of ${log.entries.length}; connections and order as the file tells them`;
  const source: CaseSource = {
    kind: "imported",
    from: tool,
    note: left === 0 ? note : `${note}; pages, scripts and cached answers left out`,
  };
  const about = { id: caseIdOf(options.out), title: `${player}, imported from ${basename(options.file)}`, source };
  const targets = new Map(recording.requests.map((request, index) => [request, stepTarget(entries[index], naming)]));
  const target = (request: RecordedRequest): StepTarget => targets.get(request) ?? { raw: request.target };
  const made = caseOf(
    recording,
    { target, text: naming.text },
    resourcesOf(entries, naming, options.keepSecrets),
    about,
  );
  writeCase(options.out, made);
  return `${options.out}: ${entries.length} requests on ${recording.connections.length} connections`;
}

/** The placeholders of a file's hosts: the one that was asked most is the origin, all others are the other. */
type OriginNames = { main: string; others: string[]; text: (value: string) => string };

function originNames(entries: HarEntry[]): OriginNames {
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const { origin } = new URL(upstreamOf(entry).url);
    counts.set(origin, (counts.get(origin) ?? 0) + 1);
  }
  const [main = "", ...others] = [...counts.entries()].sort((a, b) => b[1] - a[1]).map(([origin]) => origin);
  const text = (value: string): string =>
    neutralPorts(
      others.reduce((done, origin) => done.replaceAll(origin, "{other}"), value.replaceAll(main, "{origin}")),
    );
  return { main, others, text };
}

function stepTarget(entry: HarEntry | undefined, naming: OriginNames): StepTarget {
  if (entry === undefined) throw new Error("more requests than entries");
  const { url, form } = upstreamOf(entry);
  const { origin, pathname, search } = new URL(url);
  const path = pathname + search;
  return { path: origin === naming.main ? path : `{other}${path}`, form };
}

function resourcesOf(entries: HarEntry[], naming: OriginNames, keepSecrets: boolean): Record<string, Resource> {
  const groups = new Map<string, { origin: string; entries: HarEntry[] }>();
  for (const entry of entries) {
    const { origin, pathname, search } = new URL(upstreamOf(entry).url);
    const key = (origin === naming.main ? "" : "{other}") + pathname + search;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { origin, entries: [entry] });
    else if (group.origin === origin) group.entries.push(entry);
    else throw new Error(`two further hosts have ${pathname + search}: import one of them with --host`);
  }
  const made: Record<string, Resource> = {};
  let seed = 0;
  for (const [key, group] of groups) {
    seed += 1;
    made[key] = resourceOfEntries(group.entries, { target: key, seed, text: naming.text }, keepSecrets);
  }
  return made;
}

/** What one URL's replies show together: the whole when one has it, the length when only parts were seen. */
function resourceOfEntries(entries: HarEntry[], place: ReplyPlace, keepSecrets: boolean): Resource {
  const replies = entries.filter((entry) => entry.request.method === "GET").map((entry) => replyOf(entry, keepSecrets));
  const ordinary = replies.filter((reply) => reply.status === 200 || reply.status === 206);
  const told = ordinary.find((reply) => reply.status === 200 && reply.body !== null) ?? ordinary[0] ?? replies[0];
  if (told === undefined)
    return { body: { kind: "text", text: "" }, type: null, etag: null, lastModified: null, fields: [], replies: [] };
  const total = Math.max(0, ...ordinary.map(totalOf));
  const isWhole = told.status === 200 && told.body !== null && told.body.length >= total;
  const whole: OriginReply = isWhole ? told : { ...told, body: told.status >= 300 ? told.body : null, length: total };
  const resource = resourceOf(whole, place);
  const scripted = replies.map((reply): Reply => scriptedReply(reply, place) ?? { kind: "serve" });
  if (scripted.some((reply) => Object.keys(reply).length > 1)) resource.replies = scripted;
  return resource;
}

function replyOf(entry: HarEntry, keepSecrets: boolean): OriginReply {
  const { response } = entry;
  const body = decodedBody(entry);
  const fields = redactedFields(response.headers, keepSecrets);
  const length = Number(fieldValue(fields, "content-length") ?? Math.max(0, response.content.size, response.bodySize));
  return { status: response.status, reason: response.statusText, fields, body, length: body?.length ?? length };
}

function totalOf(reply: OriginReply): number {
  const total = /\/(\d+)$/.exec(fieldValue(reply.fields, "content-range") ?? "")?.[1];
  return total === undefined ? reply.length : Number(total);
}

/** The entries as a recording. A tool that does not tell connections gets the fewest that the overlap allows. */
function recordingOf(entries: HarEntry[], player: string, keepSecrets: boolean): Recording {
  const begin = Math.min(...entries.map(startOf));
  const connections: (RecordedConnection & { key: string; busyUntil: number })[] = [];
  const requests = entries.map((entry): RecordedRequest => {
    const sentMs = startOf(entry) - begin;
    const endMs = sentMs + Math.max(0, entry.time);
    const key = `${hostOf(entry.request.url)} ${entry.connection ?? ""}`;
    let connection = connections.find((one) => one.key === key && one.busyUntil <= sentMs);
    if (connection === undefined) {
      const name = `c${connections.length + 1}`;
      const opened = moment(sentMs, -1);
      connection = { key, busyUntil: 0, name, opened, left: null, ended: null, playerPort: 0 };
      connections.push(connection);
    }
    connection.busyUntil = endMs;
    return requestOf(entry, connection.name, moment(sentMs, 0), moment(endMs, 1), keepSecrets);
  });
  return { player, startedAt: new Date(begin), connections, requests };
}

/** HAR tells time in milliseconds at best: at equal times ends come last, so that overlap is kept. */
function moment(ms: number, shade: -1 | 0 | 1): Moment {
  return { order: ms + shade * 0.0001, ms };
}

function requestOf(
  entry: HarEntry,
  connection: string,
  sent: Moment,
  end: Moment,
  keepSecrets: boolean,
): RecordedRequest {
  const { request, response } = entry;
  const fields = redactedFields(request.headers, keepSecrets)
    .filter(([name]) => !["content-length", "transfer-encoding"].includes(name.toLowerCase()))
    .map(([name, value]): [string, string] => [name, name.toLowerCase() === "host" ? "{host}" : value]);
  const target = new URL(request.url).pathname;
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `${request.method} ${target} HTTP/1.1\r\n${lines}\r\n`;
  const complete = response.status > 0 && entry._cut !== true;
  const recorded: RecordedRequest = {
    connection,
    head,
    method: request.method,
    target,
    version: "1.1",
    fields,
    sent,
    response: {
      head: "",
      version: "1.1",
      status: response.status,
      reason: response.statusText,
      fields: [],
      body: Buffer.alloc(complete ? 0 : Math.max(0, response.bodySize)),
      complete,
      headAt: end,
      endAt: end,
    },
  };
  return recorded;
}

function startOf(entry: HarEntry): number {
  return Date.parse(entry.startedDateTime) + Math.max(0, entry.timings.blocked ?? 0);
}

function hostOf(url: string): string {
  return new URL(url).host;
}
