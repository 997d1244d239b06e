/** What must hold of the proxy's state between any two events, whatever happened. */
import { spanNextStart } from "../../core/cache/span-set.ts";
import { resourceKey } from "../../core/cache/variant.ts";
import type { Body, Flight } from "../../core/download/flight.ts";
import { flightShouldPause } from "../../core/download/flight.ts";
import { laneCounts } from "../../core/download/lane-queue.ts";
import { findStoredOf, isFor } from "../../core/exchange/exchange-variant.ts";
import { countBytes } from "../../core/exchange/proxy-events.ts";
import type { Exchange, ProxyState } from "../../core/exchange/proxy-state.ts";
import { coveringFlight, readerStep } from "../../core/reader/reader-step.ts";
import type { Simulator } from "./exchange-simulator.ts";

/** The invariants that do not hold now, as sentences; none when all is well. */
export function invariantFaults(sim: Simulator): string[] {
  const faults: string[] = [];
  const bodies = bodiesOf(sim);
  checkTable(sim, faults);
  for (const body of bodies) checkBody(sim, body, faults);
  checkFlights(sim, faults);
  checkLanes(sim, faults);
  checkExchanges(sim, faults);
  checkPreloads(sim, faults);
  return faults;
}

/** What is left although all players have gone and all flights have ended. */
export function leftovers(sim: Simulator): string[] {
  const { state } = sim;
  const faults: string[] = [];
  if (state.flights.size > 0) faults.push(`${state.flights.size} flights are left`);
  if (state.exchanges.size > 0) faults.push(`${state.exchanges.size} exchanges are left`);
  if (state.lanes.tickets.size > 0) faults.push(`${state.lanes.tickets.size} lane tickets are left`);
  if (state.lanes.hostSlots.size > 0) faults.push("host slots are left");
  if (state.later.running > 0) faults.push(`${state.later.running} fetches for later are left`);
  if (state.preloads.running > 0) faults.push(`${state.preloads.running} fetches of preloads are left`);
  for (const slot of state.table.slots.values()) {
    if (slot.opening !== null || slot.current === null) faults.push(`the slot ${slot.key} is left empty or opening`);
  }
  for (const body of state.table.bodies) {
    if (body.uses !== 0 || body.cursors.length > 0 || body.flights.length > 0) faults.push(`${nameOf(body)} is in use`);
  }
  const known = new Set(state.table.bodies.map((body) => body.entry.id));
  for (const id of sim.files.keys()) {
    if (!known.has(id)) faults.push(`the file of e${id} is left behind`);
  }
  return faults;
}

/** What a request to the origin asks for although it is here or on its way. */
export function sendFaults(flight: Flight): string[] {
  const { body } = flight;
  if (flight.purpose !== "hole" || body.rangeless || !body.storing) return [];
  const faults: string[] = [];
  const end = flight.askEnd === -1 ? body.entry.total : flight.askEnd;
  const next = spanNextStart(body.entry.spans, flight.askStart);
  if (next !== -1 && next < end) faults.push(`f${flight.id} asks for bytes that are stored`);
  for (const other of body.flights) {
    const to = other.state === "draining" ? other.position : other.limit;
    if (other !== flight && other.start < end && (to === -1 || to > flight.askStart)) {
      faults.push(`f${flight.id} asks for bytes that f${other.id} brings`);
    }
  }
  return faults;
}

function bodiesOf(sim: Simulator): Set<Body> {
  const bodies = new Set<Body>(sim.state.table.bodies);
  for (const flight of sim.state.flights.values()) bodies.add(flight.body);
  for (const exchange of sim.state.exchanges.values()) if (exchange.body !== null) bodies.add(exchange.body);
  return bodies;
}

function checkTable(sim: Simulator, faults: string[]): void {
  const { table } = sim.state;
  if (countBytes(sim.state) !== table.bytes)
    faults.push(`the table counts ${table.bytes} bytes, not ${countBytes(sim.state)}`);
  for (const [at, body] of table.bodies.entries()) {
    if (table.places.get(body.entry.id) !== at) faults.push(`${nameOf(body)} is out of its place`);
    if (table.slots.get(body.entry.key)?.current !== body) faults.push(`${nameOf(body)} is not found by its key`);
    if (body.doomed || body.hidden) faults.push(`${nameOf(body)} is doomed or hidden in the table`);
  }
  if (table.places.size !== table.bodies.length) faults.push("the table has places without bodies");
  checkVariants(sim, faults);
  for (const slot of table.slots.values()) {
    if (slot.current === null && slot.opening === null) faults.push(`the slot ${slot.key} is empty`);
    if (slot.opening !== null && sim.state.flights.get(slot.opening.id) !== slot.opening) {
      faults.push(`the slot ${slot.key} waits for a flight that is over`);
    }
  }
}

function checkVariants(sim: Simulator, faults: string[]): void {
  const { table, options } = sim.state;
  const variants = table.bodies.filter((body) => body.entry.key !== resourceKey(body.entry.key));
  let listed = 0;
  for (const [resource, bodies] of table.variants) {
    listed += bodies.length;
    if (bodies.length === 0) faults.push(`the variants of ${resource} are none`);
    if (bodies.length > options.limits.variantsMax) faults.push(`${resource} has more variants than variantsMax`);
    if (bodies.some((body) => resourceKey(body.entry.key) !== resource || !variants.includes(body)))
      faults.push(`${resource} has a variant that is none of it`);
  }
  if (listed !== variants.length) faults.push(`${listed} variants are listed, ${variants.length} stored`);
}

function checkBody(sim: Simulator, body: Body, faults: string[]): void {
  let uses = 0;
  for (const exchange of sim.state.exchanges.values()) if (exchange.body === body) uses += 1;
  if (uses !== body.uses) faults.push(`${nameOf(body)} counts ${body.uses} uses, not ${uses}`);
  for (const cursor of body.cursors) {
    const exchange = sim.state.exchanges.get(cursor.owner);
    if (exchange?.cursor !== cursor || exchange.body !== body) faults.push(`${nameOf(body)} has a cursor of nobody`);
  }
  for (const flight of body.flights) {
    if (sim.state.flights.get(flight.id) !== flight) faults.push(`${nameOf(body)} has f${flight.id}, which is over`);
  }
  if (body.storing && !body.rangeless) checkOverlap(body, faults);
  if (body.journalled && body.hidden) faults.push(`${nameOf(body)} has a row and is hidden`);
}

function checkOverlap(body: Body, faults: string[]): void {
  for (const a of body.flights) {
    for (const b of body.flights) {
      if (a === b || a.state === "draining" || b.state === "draining" || a.position > b.position) continue;
      const empty = b.limit !== -1 && b.position >= b.limit;
      if (!empty && (a.limit === -1 || a.limit > b.position) && (a.position < b.position || a.id < b.id)) {
        faults.push(`f${a.id} and f${b.id} bring the same bytes`);
      }
    }
  }
}

function checkFlights(sim: Simulator, faults: string[]): void {
  const { state } = sim;
  for (const flight of state.flights.values()) {
    const name = `f${flight.id}`;
    if (!flight.body.flights.includes(flight)) faults.push(`${name} is not among its body's flights`);
    if (flight.state === "ended") faults.push(`${name} is over and still known`);
    if (flight.tailStart > flight.position || flight.written > flight.position) faults.push(`${name} is out of order`);
    if (flight.body.storing && flight.tailStart > flight.written) faults.push(`${name} forgot what is not written`);
    if (flight.limit !== -1 && flight.position > flight.limit) faults.push(`${name} is beyond its end`);
    const holds = state.lanes.tickets.has(flight.id);
    const needs = flight.state !== "draining" || flight.body.storing;
    if (needs && !holds) faults.push(`${name} (${flight.state}) holds no place in a lane`);
    const sends = flight.state === "asked" || flight.state === "flowing";
    if (sends && flight.paused && !flightShouldPause(flight, state.options.limits)) {
      faults.push(`${name} is paused for nothing`);
    }
    for (const id of flight.waiters) {
      if (state.exchanges.get(id)?.waitingOn !== flight) faults.push(`${name} is waited for by nobody (${id})`);
    }
  }
}

function checkLanes(sim: Simulator, faults: string[]): void {
  const { state } = sim;
  const { limits } = state.options;
  const counts = laneCounts(state.lanes);
  if (counts.running.regular + counts.running.background > limits.slotsMax) faults.push("more slots than slotsMax");
  if (counts.extra > limits.extraSlotsMax) faults.push("more extra slots than extraSlotsMax");
  if (counts.running.express > limits.expressMax) faults.push("more express transfers than expressMax");
  if (counts.running.held > limits.heldMax) faults.push("more held transfers than heldMax");
  for (const id of state.lanes.tickets.keys()) {
    if (!state.flights.has(id)) faults.push(`the lane ticket of f${id} is left`);
  }
}

function checkExchanges(sim: Simulator, faults: string[]): void {
  const { state, nowMs } = sim;
  for (const exchange of state.exchanges.values()) {
    const name = `exchange ${exchange.id}`;
    if (exchange.state === "done") faults.push(`${name} is done and still known`);
    if (exchange.state === "waiting" && exchange.waitingOn?.waiters.includes(exchange.id) !== true) {
      faults.push(`${name} waits for nothing`);
    }
    if (exchange.state !== "waiting" && exchange.cursor === null) faults.push(`${name} reads without a cursor`);
    const { body } = exchange;
    // What was let go of may have been renewed for others while it was read.
    const isShown = body !== null && exchange.state !== "waiting" && !body.passing && !body.doomed;
    if (isShown && state.options.apart && !isOwn(state, exchange, body))
      faults.push(`${name} reads what is for others`);
  }
  for (const player of sim.players.values()) {
    const { exchange } = player;
    if (exchange === null || !sim.isWilling(player)) continue;
    const { body, cursor } = exchange;
    if (body === null || cursor === null) {
      faults.push(`${player.name} is forgotten`);
      continue;
    }
    const step = readerStep(body, cursor, state.options.limits, nowMs);
    // The next tick calls it.
    const asleep = state.sleepers.includes(cursor);
    if (step !== "wait" && !((step === "open" || step === "cut") && asleep))
      faults.push(`${player.name} could go on (${step}) and was not called`);
    else if (step === "wait" && coveringFlight(body, cursor.offset) === null && !asleep)
      faults.push(`${player.name} waits for nothing`);
  }
  for (const player of sim.players.values()) {
    if (player.end !== "" && player.exchange !== null && state.exchanges.has(player.exchange.id)) {
      faults.push(`${player.name} is gone and its exchange is left`);
    }
  }
}

/** A preload that could go on does, and none is at work with nothing to do. */
function checkPreloads(sim: Simulator, faults: string[]): void {
  const { exchanges, offline, preloads } = sim.state;
  let running = 0;
  let landing = 0;
  for (const preload of preloads.active) {
    const name = `preload ${preload.id}`;
    running += preload.running.length;
    landing += preload.landing.length;
    if (preload.running.some((id) => exchanges.get(id)?.task?.preload !== preload))
      faults.push(`${name} waits for an exchange that is none of its own`);
    if (preload.landing.some(({ flight }) => flight.state === "ended" || !flight.body.storing))
      faults.push(`${name} waits for bytes that come no more`);
    if (preload.running.length > 0 || preload.landing.length > 0) continue;
    if (preload.todo.length === 0) faults.push(`${name} is at work with nothing to do`);
    else if (preloads.running === 0 && preloads.wakeMs === -1 && !offline)
      faults.push(`${name} could go on and does not`);
  }
  if (preloads.running !== running) faults.push(`preloads count ${preloads.running} requests, not ${running}`);
  if (preloads.landing !== landing) faults.push(`preloads count ${preloads.landing} landings, not ${landing}`);
}

/** Whether what an exchange reads is stored for it: its own resource, or a playlist that it looks up. */
function isOwn(state: ProxyState, exchange: Exchange, body: Body): boolean {
  const { survey } = exchange;
  if (survey === null) return isFor(state, exchange, body);
  return body.hidden || findStoredOf(state, exchange, survey.urls[survey.at] ?? "") === body;
}

function nameOf(body: Body): string {
  return `e${body.entry.id}`;
}
