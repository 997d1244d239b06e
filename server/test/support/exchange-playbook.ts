/** Playbooks of the exchange machine: their shape, and how each event is played on the simulator. */
import type { ErrorCode } from "../../core/base/errors.ts";
import { errorTable } from "../../core/base/errors.ts";
import { defaultLimits } from "../../core/base/limits.ts";
import { cacheKey } from "../../core/cache/cache-key.ts";
import type { Entry } from "../../core/cache/entry.ts";
import type { EntryKind } from "../../core/cache/freshness.ts";
import type { Framing } from "../../core/download/head-verdict.ts";
import { clearProxy, connectivityChanged, proxyTick, setReserveShortfall } from "../../core/exchange/proxy-events.ts";
import type { CoreOptions, PlayerRequest } from "../../core/exchange/proxy-state.ts";
import { refuse } from "../../core/exchange/request-admission.ts";
import { headLine } from "./exchange-lines.ts";
import { Simulator } from "./exchange-simulator.ts";
import type { SimFlight } from "./flight-memory.ts";
import { simOptions } from "./sim-options.ts";

export type PlaybookRequest = {
  as: string;
  target: string;
  method?: string;
  host?: string | null;
  fields?: string[];
  minor?: 0 | 1;
  local?: string;
  close?: boolean;
  window?: number;
};

export type PlaybookEvent =
  | ({ kind: "request" } & PlaybookRequest)
  | { kind: "preload"; as: string; url: string }
  | { kind: "validate"; as: string; url: string; fields?: string[] }
  | { kind: "refuse"; as: string; target: string }
  | { kind: "head"; flight: string; status: number; reason?: string; fields?: string[]; framing?: Framing }
  | { kind: "resign"; flight: string; url: string | null }
  | { kind: "data"; flight: string; bytes?: number; text?: string }
  | { kind: "done"; flight: string; failure?: string }
  | { kind: "written"; flight: string; upTo: number }
  | { kind: "write-failed"; flight: string }
  | { kind: "read" | "read-failed" | "leave"; as: string }
  | { kind: "window"; as: string; bytes: number }
  | { kind: "reserve"; bytes: number }
  | { kind: "network"; online?: boolean }
  | { kind: "tick" | "clear" };

export type PlaybookStep = { at?: number; event: PlaybookEvent; actions: string[]; deadline?: number; note?: string };

export type PlaybookEntry = {
  url: string;
  total: number;
  spans: number[];
  finalUrl?: string;
  kind?: EntryKind;
  fields?: string[];
  text?: string;
  atMs?: number;
  accessMs?: number;
  targetDurationMs?: number;
  pinned?: boolean;
};

export type ExchangePlaybook = {
  machine: "exchange";
  title: string;
  rules: string[];
  limits?: Record<string, number>;
  options?: Partial<CoreOptions>;
  evictAfterMs?: number;
  stored?: PlaybookEntry[];
  steps: PlaybookStep[];
};

/** The simulator that a playbook begins with. */
export function stagePlaybook(playbook: ExchangePlaybook): Simulator {
  for (const name of Object.keys(playbook.limits ?? {})) {
    if (!Object.hasOwn(defaultLimits, name)) throw new Error(`"${name}" is no limit`);
  }
  const options = simOptions(playbook.limits ?? {}, playbook.options ?? {});
  const stored = playbook.stored ?? [];
  const entries = stored.map((one, at) => storedEntry(one, at + 1, options));
  // A proxy that loads entries counts on from them by itself.
  const sim = new Simulator(options, entries, 1, playbook.evictAfterMs ?? 0);
  for (const [at, one] of stored.entries()) {
    sim.files.set(at + 1, one.text ?? ".".repeat(Math.max(0, one.spans[one.spans.length - 1] ?? 0)));
  }
  return sim;
}

/** Plays one event at the simulator's time. */
export function playEvent(sim: Simulator, event: PlaybookEvent): void {
  const { state, nowMs } = sim;
  switch (event.kind) {
    case "request":
      sim.request(event.as, playerRequest(event), event.window ?? Number.MAX_SAFE_INTEGER);
      return;
    case "preload":
      sim.preload(event.as, event.url);
      return;
    case "validate":
      sim.validate(event.as, event.url, event.fields ?? []);
      return;
    case "refuse": {
      const answer = refuse(state, playerRequest(event), "stopping", "", nowMs);
      if (answer.kind === "answer")
        sim.lines.push(headLine(event.as, answer.head), `${event.as} body ${answer.content}`);
      return;
    }
    case "head": {
      const { status, reason = "", fields = [], framing = "length" } = event;
      sim.head(openFlight(sim, event.flight), { status, reason, fields, framing });
      return;
    }
    case "resign":
      sim.resign(openFlight(sim, event.flight), event.url);
      return;
    case "data":
      sim.data(openFlight(sim, event.flight), event.text ?? ".".repeat(event.bytes ?? 0));
      return;
    case "done": {
      const failure = event.failure === undefined ? null : { code: errorCode(event.failure), detail: "" };
      sim.done(openFlight(sim, event.flight), failure);
      return;
    }
    case "written":
      sim.written(knownFlight(sim, event.flight), event.upTo);
      return;
    case "write-failed":
      sim.writeFailed(knownFlight(sim, event.flight).flight.body);
      return;
    case "read":
    case "read-failed":
      sim.read(knownPlayer(sim, event.as), event.kind === "read-failed");
      return;
    case "leave":
      sim.leave(knownPlayer(sim, event.as));
      return;
    case "window":
      sim.openWindow(knownPlayer(sim, event.as), event.bytes);
      return;
    case "reserve":
      sim.run(() => setReserveShortfall(state, event.bytes, nowMs));
      return;
    case "tick":
      sim.run(() => proxyTick(state, nowMs));
      return;
    case "clear":
      sim.run(() => clearProxy(state));
      return;
    case "network":
      sim.run(() => connectivityChanged(state, event.online ?? true, nowMs));
      return;
  }
}

function storedEntry(stored: PlaybookEntry, id: number, options: CoreOptions): Entry {
  const atMs = stored.atMs ?? 0;
  return {
    id,
    key: cacheKey(stored.url, options.keyRules),
    url: stored.url,
    finalUrl: stored.finalUrl ?? stored.url,
    kind: stored.kind ?? "media",
    fields: (stored.fields ?? []).slice(),
    total: stored.total,
    spans: stored.spans.slice(),
    requestMs: atMs,
    responseMs: atMs,
    targetDurationMs: stored.targetDurationMs ?? 0,
    accessMs: stored.accessMs ?? atMs,
    pinned: stored.pinned ?? false,
  };
}

function playerRequest(request: PlaybookRequest): PlayerRequest {
  const host = request.host === undefined ? "127.0.0.1:9000" : request.host;
  return {
    method: request.method ?? "GET",
    target: request.target,
    httpMinor: request.minor ?? 1,
    fields: (host === null ? [] : ["Host", host]).concat(request.fields ?? []),
    localAddress: request.local ?? "127.0.0.1",
    localPort: 9000,
    close: request.close ?? false,
  };
}

function knownFlight(sim: Simulator, name: string): SimFlight {
  const flight = sim.flights.get(Number(name.slice(1)));
  if (flight === undefined) throw new Error(`${name} was never sent`);
  return flight;
}

function openFlight(sim: Simulator, name: string): SimFlight {
  const flight = knownFlight(sim, name);
  if (!flight.open) throw new Error(`${name} is closed: nothing more is heard of it`);
  return flight;
}

function knownPlayer(sim: Simulator, name: string): NonNullable<ReturnType<Simulator["players"]["get"]>> {
  const player = sim.players.get(name);
  if (player === undefined) throw new Error(`there is no player ${name}`);
  return player;
}

function errorCode(text: string): ErrorCode {
  if (!Object.hasOwn(errorTable, text)) throw new Error(`"${text}" is no error code`);
  return text as ErrorCode;
}
