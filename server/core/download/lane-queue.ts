/**
 * The semaphore: which upstream transfers may run, and who waits for a slot (SPEC: R-LANE-1).
 *
 * A *lane* is a class of transfers. *Regular* ones (players) share `slotsMax` slots; *background* ones (preload) use
 * slots that players leave; *express* ones (playlists, keys, initialization sections) run outside the slots. A *ticket*
 * is one transfer that runs or waits, named by the caller's id. An *extra slot* is one that a ticket takes after it has
 * waited `queueWaitMs`, because AVPlayer gives an item up after three waits of about 3.5 s. *Held* ones (directed
 * reloads) run apart from all others: their origin keeps them for seconds.
 *
 * Nothing here blocks or sets a timer: functions return the ids that may start now, and `laneNextDeadline` tells when
 * `laneTick` is due. Times are milliseconds of one clock that never goes back. A waiting line is an array of at most a
 * few thousand tickets, scanned in order: shorter and quicker at that size than linked lists.
 */
import { integerMax } from "../base/bytes.ts";
import type { Limits } from "../base/limits.ts";

export type Lane = "express" | "held" | "regular" | "background";

/** Where a ticket stands: in its lane's line, or running inside or outside the slots. */
type Place = "waiting" | "express" | "held" | "slot" | "extra";

type Ticket = { id: number; lane: Lane; host: string; sinceMs: number; place: Place };

export type LaneQueue = {
  limits: Limits;
  tickets: Map<number, Ticket>;
  waitingExpress: Ticket[];
  waitingHeld: Ticket[];
  waitingRegular: Ticket[];
  waitingBackground: Ticket[];
  runningExpress: number;
  runningHeld: number;
  runningRegular: number;
  runningBackground: number;
  runningExtra: number;
  /** Slots held per origin host; a host without any is absent. */
  hostSlots: Map<string, number>;
};

/** One number for each lane. */
export type LaneNumbers = { express: number; held: number; regular: number; background: number };

/** What runs and waits now. Slots in use are `running.regular + running.background`; `extra` is counted apart. */
export type LaneCounts = { running: LaneNumbers; extra: number; waiting: LaneNumbers };

/** An empty queue under `limits` (the slots, expressMax, heldMax, queueWaitMs, queueLengthMax). */
export function laneQueue(limits: Limits): LaneQueue {
  return {
    limits,
    tickets: new Map(),
    waitingExpress: [],
    waitingHeld: [],
    waitingRegular: [],
    waitingBackground: [],
    runningExpress: 0,
    runningHeld: 0,
    runningRegular: 0,
    runningBackground: 0,
    runningExtra: 0,
    hostSlots: new Map(),
  };
}

/** Asks for a transfer to `host`: it may start, or waits, or ("full", 503) is not taken in. An id in use asserts. */
export function laneEnter(
  queue: LaneQueue,
  id: number,
  lane: Lane,
  host: string,
  nowMs: number,
): "granted" | "queued" | "full" {
  if (queue.tickets.has(id)) {
    throw new Error("lane queue: the id is already in the queue");
  }
  const ticket: Ticket = { id, lane, host, sinceMs: nowMs, place: "waiting" };
  // Nobody is overtaken here: whoever waits while this ticket may start is held back by a limit that it does not meet.
  if (mayStart(queue, ticket)) {
    queue.tickets.set(id, ticket);
    start(queue, ticket);
    return "granted";
  }
  const line = waitingLine(queue, lane);
  // R-LANE-9: promotions may lengthen a line, so all lines together are bounded as well.
  if (line.length >= queue.limits.queueLengthMax || waitingCount(queue) >= 3 * queue.limits.queueLengthMax) {
    return "full";
  }
  queue.tickets.set(id, ticket);
  line.push(ticket);
  return "queued";
}

/**
 * The transfer has ended, or the one who waited for it has left. Returns the ids that may start because of it.
 * An unknown id changes nothing, so that leaving twice is harmless.
 */
export function laneLeave(queue: LaneQueue, id: number, nowMs: number): number[] {
  const ticket = queue.tickets.get(id);
  if (ticket === undefined) {
    return [];
  }
  // R-LANE-10
  queue.tickets.delete(id);
  if (ticket.place === "waiting") {
    leaveLine(queue, ticket);
  } else {
    stop(queue, ticket);
  }
  return settle(queue, nowMs);
}

/**
 * Lifts a ticket to a faster lane (a player asks for what is being preloaded). Returns the ids that may start because
 * of it. A slower or equal lane and an unknown id change nothing.
 */
export function lanePromote(queue: LaneQueue, id: number, lane: Lane, nowMs: number): number[] {
  const ticket = queue.tickets.get(id);
  if (ticket === undefined || laneRank(lane) >= laneRank(ticket.lane)) {
    return [];
  }
  if (ticket.place === "waiting") {
    // R-LANE-11: last in the new line; its time to wait begins now.
    leaveLine(queue, ticket);
    ticket.lane = lane;
    ticket.sinceMs = nowMs;
    waitingLine(queue, lane).push(ticket);
    return settle(queue, nowMs);
  }
  // R-LANE-12: what runs keeps the place it has; a preload in a slot is a player's from now on.
  if (ticket.lane === "background") {
    queue.runningBackground -= 1;
    queue.runningRegular += 1;
    ticket.lane = "regular";
  }
  return [];
}

/** Time is up for some: `granted` may start, `refused` are out of the queue and get 503 with Retry-After. */
export function laneTick(queue: LaneQueue, nowMs: number): { granted: number[]; refused: number[] } {
  const granted = settle(queue, nowMs);
  const refused: number[] = [];
  // R-LANE-8
  refuseOverdue(queue, queue.waitingExpress, nowMs, refused);
  refuseOverdue(queue, queue.waitingHeld, nowMs, refused);
  refuseOverdue(queue, queue.waitingRegular, nowMs, refused);
  if (refused.length > 0) {
    for (const id of settle(queue, nowMs)) {
      granted.push(id);
    }
  }
  return { granted, refused };
}

/** When `laneTick` is due, in milliseconds of the caller's clock; -1 when nobody waits against time. */
export function laneNextDeadline(queue: LaneQueue): number {
  const longest = Math.min(
    firstSinceMs(queue.waitingExpress),
    firstSinceMs(queue.waitingHeld),
    firstSinceMs(queue.waitingRegular),
  );
  // R-LANE-13
  return longest === integerMax ? -1 : longest + queue.limits.queueWaitMs;
}

/** What runs and waits now. */
export function laneCounts(queue: LaneQueue): LaneCounts {
  return {
    running: {
      express: queue.runningExpress,
      held: queue.runningHeld,
      regular: queue.runningRegular,
      background: queue.runningBackground,
    },
    extra: queue.runningExtra,
    waiting: {
      express: queue.waitingExpress.length,
      held: queue.waitingHeld.length,
      regular: queue.waitingRegular.length,
      background: queue.waitingBackground.length,
    },
  };
}

/** Starts everyone who may start now, express first, background last; returns their ids in the order of starting. */
function settle(queue: LaneQueue, nowMs: number): number[] {
  const granted: number[] = [];
  startLine(queue, queue.waitingExpress, granted);
  startLine(queue, queue.waitingHeld, granted);
  startLine(queue, queue.waitingRegular, granted);
  // R-LANE-7: express first, because a late playlist stalls a whole presentation.
  startOverdue(queue, queue.waitingExpress, nowMs, granted);
  startOverdue(queue, queue.waitingRegular, nowMs, granted);
  startLine(queue, queue.waitingBackground, granted);
  return granted;
}

/** Starts the tickets of one line that may start, first in, first out. */
function startLine(queue: LaneQueue, line: Ticket[], granted: number[]): void {
  let index = 0;
  let fullHost: string | null = null;
  let room = laneHasRoom(queue, line);
  while (room && index < line.length) {
    const ticket = line[index];
    if (ticket === undefined) {
      break;
    }
    // R-LANE-6: a host at its limit is passed over; one look-up a run of its tickets is enough.
    if (ticket.host === fullHost || !mayStart(queue, ticket)) {
      fullHost = ticket.host;
      index += 1;
      continue;
    }
    // R-LANE-4
    line.splice(index, 1);
    start(queue, ticket);
    granted.push(ticket.id);
    room = laneHasRoom(queue, line);
  }
}

/** Gives extra slots to the tickets of one line that have waited long enough. */
function startOverdue(queue: LaneQueue, line: Ticket[], nowMs: number, granted: number[]): void {
  while (queue.runningExtra < queue.limits.extraSlotsMax) {
    const ticket = line[0];
    if (ticket === undefined || !isOverdue(queue, ticket, nowMs)) {
      return;
    }
    line.splice(0, 1);
    ticket.place = "extra";
    queue.runningExtra += 1;
    granted.push(ticket.id);
  }
}

/** Takes the tickets of one line that have waited long enough out of the queue. */
function refuseOverdue(queue: LaneQueue, line: Ticket[], nowMs: number, refused: number[]): void {
  let count = 0;
  for (const ticket of line) {
    if (!isOverdue(queue, ticket, nowMs)) {
      break;
    }
    queue.tickets.delete(ticket.id);
    refused.push(ticket.id);
    count += 1;
  }
  line.splice(0, count);
}

/** Since when the first of a line has waited; `integerMax` when nobody does. */
function firstSinceMs(line: Ticket[]): number {
  return line[0]?.sinceMs ?? integerMax;
}

/** Whether a ticket has waited `queueWaitMs` or longer. */
function isOverdue(queue: LaneQueue, ticket: Ticket, nowMs: number): boolean {
  return nowMs - ticket.sinceMs >= queue.limits.queueWaitMs;
}

/** Whether the limits of its lane and host let a ticket start now. */
function mayStart(queue: LaneQueue, ticket: Ticket): boolean {
  switch (ticket.lane) {
    case "express":
      // R-LANE-2
      return queue.runningExpress < queue.limits.expressMax;
    case "held":
      // R-LANE-14
      return queue.runningHeld < queue.limits.heldMax;
    case "regular":
      // R-LANE-3
      return slotIsFree(queue) && hostHasRoom(queue, ticket.host);
    case "background":
      // R-LANE-5
      return slotIsFree(queue) && queue.waitingRegular.length === 0 && hostHasRoom(queue, ticket.host);
  }
}

/** Whether anyone of this line could start at all, whatever its host: ends a scan early. */
function laneHasRoom(queue: LaneQueue, line: Ticket[]): boolean {
  const head = line[0];
  if (head === undefined) {
    return false;
  }
  switch (head.lane) {
    case "express":
      return queue.runningExpress < queue.limits.expressMax;
    case "held":
      return queue.runningHeld < queue.limits.heldMax;
    case "regular":
      return slotIsFree(queue);
    case "background":
      return slotIsFree(queue) && queue.waitingRegular.length === 0;
  }
}

function slotIsFree(queue: LaneQueue): boolean {
  return queue.runningRegular + queue.runningBackground < queue.limits.slotsMax;
}

function hostHasRoom(queue: LaneQueue, host: string): boolean {
  return (queue.hostSlots.get(host) ?? 0) < queue.limits.hostSlotsMax;
}

/** Counts a ticket that starts in its lane. */
function start(queue: LaneQueue, ticket: Ticket): void {
  if (ticket.lane === "express") {
    ticket.place = "express";
    queue.runningExpress += 1;
    return;
  }
  if (ticket.lane === "held") {
    ticket.place = "held";
    queue.runningHeld += 1;
    return;
  }
  ticket.place = "slot";
  queue.hostSlots.set(ticket.host, (queue.hostSlots.get(ticket.host) ?? 0) + 1);
  if (ticket.lane === "regular") {
    queue.runningRegular += 1;
  } else {
    queue.runningBackground += 1;
  }
}

/** Uncounts a running ticket. */
function stop(queue: LaneQueue, ticket: Ticket): void {
  if (ticket.place === "express") {
    queue.runningExpress -= 1;
    return;
  }
  if (ticket.place === "held") {
    queue.runningHeld -= 1;
    return;
  }
  if (ticket.place === "extra") {
    queue.runningExtra -= 1;
    return;
  }
  if (ticket.lane === "regular") {
    queue.runningRegular -= 1;
  } else {
    queue.runningBackground -= 1;
  }
  const held = (queue.hostSlots.get(ticket.host) ?? 0) - 1;
  if (held > 0) {
    queue.hostSlots.set(ticket.host, held);
  } else {
    queue.hostSlots.delete(ticket.host);
  }
}

/** Takes a waiting ticket out of its lane's line. */
function leaveLine(queue: LaneQueue, ticket: Ticket): void {
  const line = waitingLine(queue, ticket.lane);
  const index = line.indexOf(ticket);
  if (index >= 0) {
    line.splice(index, 1);
  }
}

function waitingLine(queue: LaneQueue, lane: Lane): Ticket[] {
  switch (lane) {
    case "express":
      return queue.waitingExpress;
    case "held":
      return queue.waitingHeld;
    case "regular":
      return queue.waitingRegular;
    case "background":
      return queue.waitingBackground;
  }
}

function waitingCount(queue: LaneQueue): number {
  const apart = queue.waitingExpress.length + queue.waitingHeld.length;
  return apart + queue.waitingRegular.length + queue.waitingBackground.length;
}

/** Faster lanes rank lower. */
function laneRank(lane: Lane): number {
  switch (lane) {
    case "express":
      return 0;
    case "held":
      return 1;
    case "regular":
      return 2;
    case "background":
      return 3;
  }
}
