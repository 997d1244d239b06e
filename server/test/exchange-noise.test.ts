/**
 * Players, origins, disks and limits that make no sense: nothing of what a peer may say breaks an invariant of the
 * exchange. What is drawn from is in fixtures/noise/exchange.json, and each run's digest is written down: the Swift
 * twin, which traps where a JavaScript number only grows, must play every run alike.
 */
import { readFileSync } from "node:fs";
import t from "tap";
import type { ErrorCode } from "../core/base/errors.ts";
import { defaultLimits, type Limits } from "../core/base/limits.ts";
import type { Framing } from "../core/download/head-verdict.ts";
import { dropLater } from "../core/exchange/fetch-later.ts";
import type { OriginAnswer } from "../core/exchange/flight-head.ts";
import { clearProxy, connectivityChanged, proxyTick, setReserveShortfall } from "../core/exchange/proxy-events.ts";
import { refuse } from "../core/exchange/request-admission.ts";
import { invariantFaults, leftovers } from "./support/exchange-invariants.ts";
import { headLine } from "./support/exchange-lines.ts";
import { Simulator } from "./support/exchange-simulator.ts";
import type { SimFlight } from "./support/flight-memory.ts";
import { randomFrom } from "./support/random.ts";
import { runDigest } from "./support/run-digest.ts";
import { simOptions } from "./support/sim-options.ts";
import type { SimPlayer } from "./support/sim-player.ts";
import { recordIds } from "./support/vectors.ts";

type Random = (below: number) => number;
type Pool = [name: string, values: string[]][];

/** What is drawn from. */
type Noise = {
  targets: string[];
  methods: string[];
  urls: string[];
  ranges: string[];
  requestFields: Pool;
  statuses: number[];
  reasons: string[];
  framings: Framing[];
  responseFields: Pool;
  texts: string[];
  failures: ErrorCode[];
  numbers: number[];
  /** Length of everything at the origin, while it makes sense. */
  totals: number[];
  pauses: number[];
  limits: (keyof Limits)[];
};

const noise: Noise = JSON.parse(readFileSync(new URL("../../fixtures/noise/exchange.json", import.meta.url), "utf8"));
/** To see what happened in a seed that failed: REELCACHE_SEED=7 REELCACHE_SEEDS=1 prints every event and action. */
const seeds = Number(process.env.REELCACHE_SEEDS ?? 300);
const firstSeed = Number(process.env.REELCACHE_SEED ?? 1);
const steps = 120;
/** Files beyond are not kept by the simulator: their disk only fails. */
const fileBytesMax = 100_000;

t.test("no nonsense of players, origins, disks and limits breaks an invariant", (t) => {
  const ids: string[] = [];
  let failed = 0;
  for (let seed = firstSeed; seed < firstSeed + seeds && failed < 3; seed += 1) {
    const { faults, digest } = runSeed(seed);
    ids.push(`noise exchange/${seed} ${digest}`);
    if (faults.length > 0) {
      failed += 1;
      t.fail(`seed ${seed}: ${faults[0]}`, { faults });
    }
  }
  t.equal(failed, 0, `${seeds} seeds from ${firstSeed} on`);
  recordIds(ids);
  t.end();
});

function runSeed(seed: number): { faults: string[]; digest: string } {
  const random = randomFrom(seed);
  const limits: Limits = { ...defaultLimits, readPieceBytes: 50 };
  for (const name of noise.limits) {
    if (random(3) === 0) limits[name] = one(random, noise.numbers);
  }
  const options = simOptions(limits, {
    policy: random(2) === 0 ? "http" : "media",
    cors: random(2) === 0,
    ignoreNoStore: random(4) === 0,
    apart: seed % 3 !== 0,
    allowUpstream: random(2) === 0 ? [] : ["*"],
    maxCacheBytes: one(random, noise.numbers),
    playlistFreshMs: one(random, noise.numbers),
    startAhead: seed % 2 === 0,
    offlineFilter: seed % 3 === 1,
    offlineMs: seed % 2 === 0 ? 4_000 : 0,
    warmFirst: seed % 5 === 0,
    delivery: (["all", "head", "cdn-first", "cdn-first"] as const)[seed % 4] ?? "all",
    headMs: seed % 8 === 1 ? 4_000 : 0,
    headSegments: seed % 3,
  });
  const total = one(random, noise.totals);
  const sim = new Simulator(options, [], 1, 0);
  const log: string[] = [];
  const faults: string[] = [];
  const note = (what: string): void => {
    log.push(what, ...sim.lines.map((line) => `    ${line}`));
    sim.lines = [];
  };
  try {
    for (let step = 0; step < steps && faults.length === 0; step += 1) {
      sim.nowMs += one(random, noise.pauses);
      note(`${step}: ${playNoise(sim, random, total)}`);
      faults.push(...invariantFaults(sim));
    }
    if (faults.length === 0) {
      endAll(sim);
      note("the end");
      faults.push(...invariantFaults(sim), ...leftovers(sim));
    }
  } catch (error) {
    faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (process.env.REELCACHE_SEED !== undefined) process.stderr.write(`${log.join("\n")}\n`);
  return { faults, digest: runDigest(sim, log) };
}

/** One thing that happens; says what. */
function playNoise(sim: Simulator, random: Random, total: number): string {
  const kind = random(24);
  if (kind < 4) return playRequest(sim, random);
  if (kind < 13) return playOrigin(sim, random, total);
  if (kind < 16) return playDisk(sim, random);
  if (kind < 21) return playPlayer(sim, random, kind);
  if (kind === 21) {
    sim.run(() => proxyTick(sim.state, sim.nowMs));
    return `tick at ${sim.nowMs}`;
  }
  if (kind === 22) {
    const url = one(random, noise.urls);
    const name = `P${sim.players.size}`;
    sim.preload(name, url);
    return `${name} preloads ${url}`;
  }
  return playRare(sim, random);
}

function playRequest(sim: Simulator, random: Random): string {
  const name = `P${sim.players.size}`;
  const range = random(2) === 0 ? ["Range", one(random, noise.ranges)] : [];
  const request = {
    method: one(random, noise.methods),
    target: one(random, noise.targets),
    httpMinor: random(5) === 0 ? (0 as const) : (1 as const),
    fields: ["Host", "127.0.0.1:9000", ...range, ...drawFields(random, noise.requestFields, 25)],
    localAddress: one(random, ["127.0.0.1", "::1", "::ffff:127.0.0.1"]),
    localPort: 9000,
    close: random(4) === 0,
  };
  if (random(20) === 0) {
    const answer = refuse(sim.state, request, "stopping", "", sim.nowMs);
    if (answer.kind === "answer") sim.lines.push(headLine(name, answer.head));
    return `${name} is refused`;
  }
  sim.request(name, request, one(random, [0, 1, 30, 1_000_000]));
  return `${name} ${request.method} ${request.target} ${request.fields.slice(2).join(" ")}`;
}

function playOrigin(sim: Simulator, random: Random, total: number): string {
  const sent = [...sim.flights.values()].filter((one) => one.open);
  const flight = sent[random(sent.length)];
  if (flight === undefined) return "nobody is asked";
  const name = `f${flight.flight.id}`;
  if (random(8) === 0) {
    const failure = random(2) === 0 ? null : { code: one(random, noise.failures), detail: "noise" };
    sim.done(flight, failure);
    return `${name} ends ${failure?.code ?? "well"}`;
  }
  if (flight.flight.state === "asked" && random(3) > 0) {
    const answer = fittingAnswer(flight, total);
    answer.fields.push(...drawFields(random, noise.responseFields, 25));
    sim.head(flight, answer);
    return `${name} ${answer.status} ${answer.fields.join(" ")}`;
  }
  if (flight.flight.state === "asked") {
    const status = one(random, noise.statuses);
    const fields = drawFields(random, noise.responseFields, 3);
    sim.head(flight, { status, reason: one(random, noise.reasons), fields, framing: one(random, noise.framings) });
    return `${name} ${status} ${fields.join(" ")}`;
  }
  const text = random(3) === 0 ? one(random, noise.texts) : ".".repeat(random(120));
  sim.data(flight, text);
  return `${name} brings ${text.length}`;
}

/** What an origin in its senses would say. */
function fittingAnswer({ flight }: SimFlight, total: number): OriginAnswer {
  const { askStart, askEnd, askSuffix } = flight;
  const start = askSuffix >= 0 ? Math.max(0, total - askSuffix) : askStart;
  const end = askSuffix >= 0 || askEnd === -1 ? total : Math.min(askEnd, total);
  const part = (askStart !== 0 || askEnd !== -1) && start < end;
  const fields = ["Content-Length", String(part ? end - start : total), "ETag", '"v1"'];
  if (part) fields.push("Content-Range", `bytes ${start}-${end - 1}/${total}`);
  return { status: part ? 206 : 200, reason: "", fields, framing: "length" };
}

function playDisk(sim: Simulator, random: Random): string {
  const writing = writers(sim);
  const flight = writing[random(writing.length)];
  if (flight === undefined) return "no write is under way";
  const { position, written } = flight.flight;
  if (position > fileBytesMax || random(10) === 0) {
    sim.writeFailed(flight.flight.body);
    return `failed write of f${flight.flight.id}`;
  }
  const upTo = position - random(position - written);
  sim.written(flight, upTo);
  return `f${flight.flight.id} written to ${upTo}`;
}

function playPlayer(sim: Simulator, random: Random, kind: number): string {
  const players = [...sim.players.values()].filter((one) => one.end === "");
  const reading = players.filter((one) => one.reading !== null);
  const player = kind < 19 ? reading[random(reading.length)] : players[random(players.length)];
  if (player === undefined) return "nobody is there";
  return movePlayer(sim, random, player, kind);
}

function movePlayer(sim: Simulator, random: Random, player: SimPlayer, kind: number): string {
  if (kind < 19) {
    const fails = random(6) === 0;
    sim.read(player, fails);
    return `${fails ? "failed read" : "read"} of ${player.name}`;
  }
  if (kind === 19) {
    sim.openWindow(player, one(random, [1, 30, 1_000]));
    return `window of ${player.name}`;
  }
  sim.leave(player);
  return `${player.name} leaves`;
}

function playRare(sim: Simulator, random: Random): string {
  const kind = random(3);
  if (kind === 0) {
    sim.run(() => clearProxy(sim.state));
    return "clear";
  }
  if (kind === 1) {
    const short = one(random, noise.numbers);
    sim.run(() => setReserveShortfall(sim.state, short, sim.nowMs));
    return `reserve short of ${short}`;
  }
  const isOnline = random(2) === 0;
  sim.run(() => connectivityChanged(sim.state, isOnline, sim.nowMs));
  return isOnline ? "network" : "no network";
}

/** Everyone leaves, every origin breaks off, every disk fails. */
function endAll(sim: Simulator): void {
  // Who ends would make room for the next.
  dropLater(sim.state);
  for (const player of sim.players.values()) sim.leave(player);
  for (const flight of [...sim.flights.values()]) {
    if (flight.open) sim.done(flight, { code: "upstream-truncated", detail: "" });
  }
  for (const flight of writers(sim)) sim.writeFailed(flight.flight.body);
}

function writers(sim: Simulator): SimFlight[] {
  return [...sim.flights.values()].filter(
    ({ flight }) => flight.body.storing && flight.state !== "ended" && flight.written < flight.position,
  );
}

/** Each field of the pool with the chance of one in `oneIn`, some of them twice. */
function drawFields(random: Random, pool: Pool, oneIn: number): string[] {
  const fields: string[] = [];
  for (const [name, values] of pool) {
    if (random(oneIn) === 0) fields.push(name, one(random, values));
    if (random(oneIn * 10) === 0) fields.push(name.toLowerCase(), one(random, values));
  }
  return fields;
}

function one<Choice>(random: Random, choices: Choice[]): Choice {
  const choice = choices[random(choices.length)];
  if (choice === undefined) throw new Error("nothing to choose from");
  return choice;
}
