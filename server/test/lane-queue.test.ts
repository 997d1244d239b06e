/** Random traffic through the lanes: what must hold whatever comes (rules R-LANE-1 to R-LANE-14). */
import t from "tap";
import { defaultLimits, type Limits } from "../core/base/limits.ts";
import {
  type Lane,
  type LaneQueue,
  laneCounts,
  laneEnter,
  laneLeave,
  laneNextDeadline,
  lanePromote,
  laneQueue,
  laneTick,
} from "../core/download/lane-queue.ts";
import { randomFrom } from "./support/random.ts";

const laneNames: Lane[] = ["express", "held", "regular", "background"];

/** What the test itself knows of a ticket. */
type Known = { id: number; host: string; lane: Lane; running: boolean };

t.test("limits hold, nobody is lost and nobody starts twice, whatever comes", (t) => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const fault = runTraffic(seed);
    if (fault !== "") {
      t.fail(`seed ${seed}: ${fault}`);
      return t.end();
    }
  }
  t.pass("200 seeds of 300 steps");
  return t.end();
});

t.test(
  "ten videos of fifty segments at once: slots are never exceeded, all are served, playlists start at once",
  (t) => {
    const queue = laneQueue(defaultLimits);
    let nowMs = 0;
    const running: number[] = [];
    for (let id = 1; id <= 500; id += 1) {
      if (laneEnter(queue, id, "regular", `cdn${id % 10}`, nowMs) === "granted") {
        running.push(id);
      }
    }
    t.equal(laneEnter(queue, 501, "express", "cdn1", nowMs), "granted", "a playlist starts beside full slots");
    let served = 0;
    while (running.length > 0) {
      nowMs += 1;
      const done = running.shift() ?? 0;
      running.push(...laneLeave(queue, done, nowMs));
      served += 1;
      if (laneCounts(queue).running.regular > defaultLimits.slotsMax) {
        t.fail(`slots exceeded after ${served}`);
      }
    }
    t.equal(served, 500);
    laneLeave(queue, 501, nowMs);
    t.equal(queue.tickets.size, 0, "the queue is empty");
    t.equal(queue.hostSlots.size, 0, "no host is remembered");
    t.end();
  },
);

t.test("an id that is already in the queue asserts", (t) => {
  const queue = laneQueue(defaultLimits);
  laneEnter(queue, 1, "regular", "a", 0);
  t.throws(() => laneEnter(queue, 1, "regular", "a", 0), /already in the queue/);
  t.end();
});

/** One run of random calls; the first broken promise in words, "" when all hold. */
function runTraffic(seed: number): string {
  const random = randomFrom(seed);
  const limits: Limits = {
    ...defaultLimits,
    slotsMax: 1 + random(5),
    hostSlotsMax: 1 + random(3),
    extraSlotsMax: random(4),
    expressMax: 1 + random(3),
    heldMax: 1 + random(3),
    queueLengthMax: 1 + random(12),
    queueWaitMs: 20 + random(100),
  };
  const queue = laneQueue(limits);
  const known = new Map<number, Known>();
  let nowMs = 0;
  for (let step = 0; step < 300; step += 1) {
    nowMs += random(12);
    const fault = oneCall(queue, known, random, step + 1, nowMs) || brokenPromise(queue, limits, known);
    if (fault !== "") {
      return `step ${step}: ${fault}`;
    }
  }
  return drain(queue, known, nowMs);
}

function oneCall(
  queue: LaneQueue,
  known: Map<number, Known>,
  random: (below: number) => number,
  id: number,
  nowMs: number,
): string {
  const ids = [...known.keys()];
  const some = ids[random(ids.length)] ?? 0;
  const lane = laneNames[random(4)] ?? "regular";
  const choice = random(10);
  if (choice < 5) {
    const host = `h${random(3)}`;
    const answer = laneEnter(queue, id, lane, host, nowMs);
    if (answer !== "full") {
      known.set(id, { id, host, lane, running: answer === "granted" });
    }
    return "";
  }
  if (choice < 8) {
    known.delete(some);
    return grant(known, laneLeave(queue, some, nowMs));
  }
  if (choice < 9) {
    const fault = grant(known, lanePromote(queue, some, lane, nowMs));
    const ticket = queue.tickets.get(some);
    const row = known.get(some);
    if (ticket !== undefined && row !== undefined) {
      row.lane = ticket.lane;
    }
    return fault;
  }
  const dueMs = laneNextDeadline(queue);
  const tick = laneTick(queue, nowMs);
  for (const refused of tick.refused) {
    if (known.get(refused)?.running !== false || known.get(refused)?.lane === "background") {
      return `${refused} was refused though it does not wait against time`;
    }
    known.delete(refused);
  }
  if ((dueMs < 0 || nowMs < dueMs) && tick.granted.length + tick.refused.length > 0) {
    return "a tick before the deadline changed something";
  }
  const nextMs = laneNextDeadline(queue);
  return nextMs >= 0 && nextMs <= nowMs ? "a tick left someone overdue" : grant(known, tick.granted);
}

/** Notes who may start; each must have been waiting. */
function grant(known: Map<number, Known>, granted: number[]): string {
  for (const id of granted) {
    const row = known.get(id);
    if (row === undefined || row.running) {
      return `${id} was granted though it does not wait`;
    }
    row.running = true;
  }
  return "";
}

function brokenPromise(queue: LaneQueue, limits: Limits, known: Map<number, Known>): string {
  const counts = laneCounts(queue);
  const rows = [...known.values()];
  const { running, waiting, extra } = counts;
  const runningSum = running.express + running.held + running.regular + running.background + extra;
  const waitingSum = waiting.express + waiting.held + waiting.regular + waiting.background;
  const slots = running.regular + running.background;
  if (
    runningSum !== rows.filter((row) => row.running).length ||
    waitingSum !== rows.filter((row) => !row.running).length
  ) {
    return `counts differ from what was told: ${JSON.stringify(counts)}`;
  }
  const apart = running.express > limits.expressMax || running.held > limits.heldMax;
  if (slots > limits.slotsMax || extra > limits.extraSlotsMax || apart) {
    return `a limit is exceeded: ${JSON.stringify(counts)}`;
  }
  if (waitingSum > 3 * limits.queueLengthMax) {
    return "too many wait";
  }
  const perHost = [...queue.hostSlots.values()];
  if (perHost.some((held) => held > limits.hostSlotsMax || held < 1) || perHost.reduce((a, b) => a + b, 0) !== slots) {
    return `host slots are wrong: ${perHost}`;
  }
  const mayStart = (row: Known) => !row.running && (queue.hostSlots.get(row.host) ?? 0) < limits.hostSlotsMax;
  const idle = slots < limits.slotsMax;
  if (idle && rows.some((row) => row.lane === "regular" && mayStart(row))) {
    return "a player waits beside a free slot";
  }
  if (idle && waiting.regular === 0 && rows.some((row) => row.lane === "background" && mayStart(row))) {
    return "a preload waits beside a free slot";
  }
  if (running.held < limits.heldMax && waiting.held > 0) {
    return "a directed reload waits beside room";
  }
  return running.express < limits.expressMax && waiting.express > 0 ? "a playlist waits beside room" : "";
}

/** Everyone leaves; nothing may be left behind. */
function drain(queue: LaneQueue, known: Map<number, Known>, nowMs: number): string {
  for (const id of known.keys()) {
    laneLeave(queue, id, nowMs);
  }
  const left = queue.tickets.size + queue.hostSlots.size;
  return left === 0 && laneNextDeadline(queue) === -1 ? "" : "the queue is not empty at the end";
}
