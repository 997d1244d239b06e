/** Plays the steps of a case: exact bytes on real connections, in the case's order. */
import type { Socket } from "node:net";
import type { Case, Step } from "../case/case-types.ts";
import { type Addresses, expand, hostOf, upstreamUrl } from "../case/placeholders.ts";
import type { WireResponse } from "../case/result-types.ts";
import type { Origin } from "../origin/origin.ts";
import type { RunningTarget } from "../sut/target.ts";
import { beginReading, finishReading, type Reading, readUntil } from "./response-reader.ts";
import { openSocket, type Wire, wireOn } from "./wire.ts";

export type Played = {
  responses: WireResponse[];
  /** What could not be played, with the step; "" when all was. */
  failure: string;
};

type Get = Extract<Step, { do: "together" }>["gets"][number];
type Stage = {
  target: RunningTarget;
  origin: Origin;
  addresses: Addresses;
  wires: Map<string, Wire>;
  readings: Map<string, Reading>;
  /** Requests of each connection whose response is not yet over, in order. */
  awaited: Map<string, Reading[]>;
  now: () => number;
};

/** Longest that a step may wait for a fact at the origin, in milliseconds. */
const patienceMs = 15_000;

/** Plays all steps; connections still open at the end are closed. */
export async function play(
  one: Case,
  target: RunningTarget,
  origin: Origin,
  addresses: Addresses,
  now: () => number,
): Promise<Played> {
  const stage: Stage = { target, origin, addresses, wires: new Map(), readings: new Map(), awaited: new Map(), now };
  let failure = "";
  for (const [index, step] of one.steps.entries()) {
    try {
      await playStep(stage, step);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      failure = `step ${index + 1} ${JSON.stringify(step).slice(0, 160)}: ${what}`;
      break;
    }
  }
  for (const [name, wire] of stage.wires) {
    leftover(stage, name, wire);
    wire.close();
  }
  return { responses: [...stage.readings.values()].map(finishReading), failure };
}

async function playStep(stage: Stage, step: Step): Promise<void> {
  switch (step.do) {
    case "connect":
      return connectWire(stage, step.as);
    case "send":
      return send(stage, step);
    case "write":
      return write(stage, step);
    case "read":
      return read(stage, step.request, step.until);
    case "ended":
      return ended(stage, step.on);
    case "close":
      return wireOf(stage, step.on).close();
    case "reset":
      return wireOf(stage, step.on).reset();
    case "half-close":
      return wireOf(stage, step.on).halfClose();
    case "open":
      return stage.origin.barriers.open(step.barrier);
    case "until":
      return untilFact(stage, step);
    case "origin":
      return stage.origin.turn(step.state);
    case "clear":
      return stage.target.clear();
    case "restart":
      return stage.target.restart(step.kill === true);
    case "elapse":
      return new Promise((resolve) => setTimeout(resolve, step.ms));
    case "get":
      return get(stage, step);
    case "together":
      await Promise.all(step.gets.map((one) => get(stage, one)));
  }
}

async function connectWire(stage: Stage, name: string): Promise<void> {
  stage.wires.set(name, wireOn(await dial(stage.target)));
  stage.awaited.set(name, []);
}

/** A connection to the target: by a way of its own, or to where its URL says. */
function dial(target: RunningTarget): Promise<Socket> {
  if (target.dial !== undefined) return target.dial();
  const [host = "", port = ""] = hostOf(target.url).split(":");
  return openSocket(host, Number(port));
}

function send(stage: Stage, step: Extract<Step, { do: "send" }>): Promise<void> {
  const { addresses } = stage;
  const method = step.method ?? "GET";
  const target =
    step.raw === undefined
      ? addresses.map(upstreamUrl(step.path ?? "/", addresses), step.form ?? "query")
      : expand(step.raw, addresses);
  const fields = step.fields ?? [];
  const hasHost = fields.some(([name]) => name.toLowerCase() === "host");
  const all: [string, string][] = hasHost ? fields : [["Host", "{host}"], ...fields];
  const lines = all.map(([name, value]) => `${name}: ${expand(value, addresses)}\r\n`).join("");
  const bytes = `${method} ${target} HTTP/${step.httpVersion ?? "1.1"}\r\n${lines}\r\n${step.body ?? ""}`;
  return sendBytes(stage, step.on, bytes, [{ request: step.request, method }]);
}

function write(stage: Stage, step: Extract<Step, { do: "write" }>): Promise<void> {
  const bytes = expand(step.bytes, stage.addresses);
  // The method decides whether a response has a body; in nonsense it is GET.
  const methods = bytes.split("\r\n\r\n").map((text) => (text.startsWith("HEAD ") ? "HEAD" : "GET"));
  const requests = step.requests.map((request, index) => ({ request, method: methods[index] ?? "GET" }));
  return sendBytes(stage, step.on, bytes, requests);
}

function sendBytes(
  stage: Stage,
  on: string,
  bytes: string,
  requests: { request: string; method: string }[],
): Promise<void> {
  const wire = wireOf(stage, on);
  for (const [index, { request, method }] of requests.entries()) {
    if (stage.readings.has(request)) throw new Error(`two requests are named ${request}`);
    const reading = beginReading(wire, request, method, index === 0 ? bytes : "", stage.now);
    stage.readings.set(request, reading);
    stage.awaited.get(on)?.push(reading);
  }
  return wire.write(bytes);
}

async function read(stage: Stage, request: string, until: "head" | "end" | number): Promise<void> {
  const reading = stage.readings.get(request);
  if (reading === undefined) throw new Error(`no request is named ${request}`);
  for (const awaited of stage.awaited.values()) {
    if (!awaited.includes(reading)) continue;
    // Responses come in the order of the requests: those before are read to their end.
    for (const before of awaited.slice(0, awaited.indexOf(reading))) await readUntil(before, "end");
  }
  await readUntil(reading, until);
}

async function ended(stage: Stage, on: string): Promise<void> {
  const wire = wireOf(stage, on);
  for (const reading of stage.awaited.get(on) ?? []) await readUntil(reading, "end");
  while (wire.peek().length === 0 && (await wire.more()));
  if (wire.peek().length > 0) throw new Error(`bytes instead of the end: ${printable(wire.peek())}`);
}

async function untilFact(stage: Stage, step: Extract<Step, { do: "until" }>): Promise<void> {
  const { origin } = stage;
  const holds = (): boolean =>
    (step.requests === undefined || origin.requests(step.path) >= step.requests) &&
    (step.held === undefined || origin.barriers.reached(step.held)) &&
    (step.closed === undefined || origin.closed(step.closed));
  const { promise, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`waited ${patienceMs} ms in vain`)), patienceMs);
  await Promise.race([origin.changes.until(holds), promise]).finally(() => clearTimeout(timer));
}

async function get(stage: Stage, step: Get): Promise<void> {
  const on = `connection of ${step.request}`;
  await connectWire(stage, on);
  await send(stage, { do: "send", on, ...step });
  await read(stage, step.request, "end");
  const wire = wireOf(stage, on);
  leftover(stage, on, wire);
  wire.close();
  stage.wires.delete(on);
}

/** Bytes that nobody asked for are a fault of the last response. */
function leftover(stage: Stage, on: string, wire: Wire): void {
  const last = stage.awaited.get(on)?.at(-1);
  if (last === undefined || !last.bodyDone || wire.peek().length === 0) return;
  last.response.faults.push(`bytes after the response: ${printable(wire.peek())}`);
}

function wireOf(stage: Stage, name: string): Wire {
  const wire = stage.wires.get(name);
  if (wire === undefined) throw new Error(`no connection is named ${name}`);
  return wire;
}

function printable(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1", 0, 120));
}
