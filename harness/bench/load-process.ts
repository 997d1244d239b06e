/**
 * The bench's own load client, a process of its own: bare sockets that read into one buffer, so that its own work does
 * not limit what it measures. It gets a port and a plan as one message, answers with a `LoadResult`, and ends.
 */
import { connect, type Socket } from "node:net";
import { contentOf } from "./content.ts";
import type { LoadPlan, LoadResult } from "./load-plan.ts";

/** Longest that a load may go on after its time is up, in milliseconds. */
const patienceMs = 30_000;

/** Size of the buffer that all connections read into. */
const bufferBytes = 262_144;

/** Faults that are told in words. */
const faultsMax = 5;

/** Reads of a slow reader are this far apart, in milliseconds. */
const slowReadMs = 50;

/** Wait after a wrong answer before the connection's next request, in milliseconds. */
const faultPauseMs = 100;

type Answer = { last: boolean; missing: number; total: number; head: string; check: Buffer | null; at: number };

process.once("message", ({ port, plan }: { port: number; plan: LoadPlan }) => {
  runPlan(port, plan).then((result) => {
    process.send?.(result, () => process.exit(0));
  });
});

function runPlan(port: number, plan: LoadPlan): Promise<LoadResult> {
  const result: LoadResult = {
    requests: 0,
    bytes: 0,
    seconds: 0,
    firstByteMs: [],
    totalMs: [],
    clientCpuSeconds: 0,
    faults: [],
    faultCount: 0,
  };
  const shared = Buffer.allocUnsafe(bufferBytes);
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  const over = plan.until === "time" ? began + plan.seconds * 1_000 : Number.POSITIVE_INFINITY;
  let asked = 0;
  let left = plan.connections;
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      const { user, system } = process.cpuUsage(cpuBefore);
      result.seconds = (performance.now() - began) / 1_000;
      result.clientCpuSeconds = (user + system) / 1_000_000;
      resolve(result);
    };
    const timer = setTimeout(
      () => {
        fault(result, `${left} connections wait for their answers`);
        finish();
      },
      plan.seconds * 1_000 + patienceMs,
    );
    if (plan.leave) setTimeout(finish, plan.seconds * 1_000);
    const done = (): void => {
      left -= 1;
      if (left === 0) finish();
    };
    /** Which target is next; -1 when there is nothing left to ask. */
    const next = (): number => {
      if (performance.now() >= over) return -1;
      if (plan.until === "targets" && asked >= plan.targets.length) return -1;
      asked += 1;
      return (asked - 1) % plan.targets.length;
    };
    for (let at = 0; at < plan.connections; at += 1) {
      ask({ port, plan, result, shared, next, done }, { begun: performance.now(), asked: 0 });
    }
  });
}

type Talk = {
  port: number;
  plan: LoadPlan;
  result: LoadResult;
  shared: Buffer;
  next: () => number;
  done: () => void;
};

/** When one of the players began, and how often it has asked. */
type Pace = { begun: number; asked: number };

/** One connection after the other, or one for all: asks, reads, asks again. */
function ask(talk: Talk, pace: Pace): void {
  const { port, plan, result, next, done } = talk;
  let target = next();
  if (target === -1) {
    done();
    return;
  }
  let askedAt = performance.now();
  let answer = freshAnswer(plan, result, target);
  let ended = false;
  const end = (why: string): void => {
    if (ended) return;
    ended = true;
    fault(result, why);
    socket.destroy();
    // A fault costs a moment, so that a contender that fails at once is not hammered.
    setTimeout(() => ask(talk, pace), faultPauseMs);
  };
  const askNext = (): void => {
    target = next();
    if (target === -1) {
      ended = true;
      socket.destroy();
      done();
      return;
    }
    askedAt = performance.now();
    answer = freshAnswer(plan, result, target);
    send();
  };
  const send = (): void => {
    pace.asked += 1;
    const connection = plan.close ? "Connection: close\r\n" : "";
    socket.write(
      `GET ${plan.targets[target]} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${plan.fields}${connection}\r\n`,
      "latin1",
    );
  };
  const took = (bytes: Buffer): boolean => {
    if (ended) return true;
    const why = read(plan, result, answer, bytes, askedAt);
    if (why !== null) {
      end(why);
      return true;
    }
    if (answer.missing !== 0) return slow(socket, plan, bytes.length);
    const now = performance.now();
    result.requests += 1;
    result.totalMs.push(now - askedAt);
    // The pace is kept from the first request on: a late answer does not make the next one late.
    const wait = plan.pacePerSecond === 0 ? 0 : pace.begun + (pace.asked * 1_000) / plan.pacePerSecond - now;
    if (answer.last) {
      ended = true;
      socket.destroy();
      after(wait, () => ask(talk, pace));
    } else {
      after(wait, askNext);
    }
    return true;
  };
  const socket: Socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: {
      buffer: talk.shared,
      callback: (length, buffer) => took(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
    },
  });
  socket.once("connect", send);
  socket.on("error", (error) => end(error.message));
  socket.on("close", () => {
    if (!ended) end(`cut after ${answer.at} of ${answer.total} bytes of ${plan.targets[target]}`);
  });
}

function after(wait: number, run: () => void): void {
  if (wait <= 0) run();
  else setTimeout(run, wait);
}

/** Reads as fast as the plan says. False pauses the socket. */
function slow(socket: Socket, plan: LoadPlan, bytes: number): boolean {
  if (plan.readBytesPerSecond === 0) return true;
  setTimeout(() => socket.resume(), Math.max(slowReadMs, (bytes * 1_000) / plan.readBytesPerSecond));
  return false;
}

function freshAnswer(plan: LoadPlan, result: LoadResult, target: number): Answer {
  const check = plan.checkEvery > 0 && result.requests % plan.checkEvery === 0;
  const path = plan.paths[target % plan.paths.length] ?? "";
  return { last: plan.close, missing: 0, total: 0, head: "", check: check ? contentOf(path) : null, at: 0 };
}

/** Takes what came for an answer; what is wrong with it, or null. `missing` is 0 once it is whole. */
function read(plan: LoadPlan, result: LoadResult, answer: Answer, bytes: Buffer, askedAt: number): string | null {
  let body = bytes;
  if (answer.total === 0) {
    if (answer.head === "") result.firstByteMs.push(performance.now() - askedAt);
    const had = answer.head.length;
    answer.head += bytes.toString("latin1", 0, Math.min(bytes.length, 65_536));
    answer.missing = 1;
    const end = answer.head.indexOf("\r\n\r\n");
    if (end === -1) return null;
    const why = wrongHead(plan, answer.head.slice(0, end + 2));
    if (why !== null) return why;
    const [, length = ""] = /\r\ncontent-length: *([0-9]+)\r\n/i.exec(answer.head.slice(0, end + 2)) ?? [];
    if (length === "") return `no length: ${answer.head.slice(0, 200)}`;
    answer.total = Number(length);
    answer.last ||= /\r\nconnection: *close\r\n/i.test(answer.head.slice(0, end + 2));
    answer.missing = answer.total;
    body = bytes.subarray(end + 4 - had);
  }
  result.bytes += body.length;
  answer.missing -= body.length;
  if (answer.missing < 0) return `${-answer.missing} bytes too many`;
  if (answer.check !== null) {
    const from = plan.from + answer.at;
    if (answer.check.compare(body, 0, body.length, from, from + body.length) !== 0) {
      return `wrong bytes after ${answer.at} of a body`;
    }
  }
  answer.at += body.length;
  return null;
}

function wrongHead(plan: LoadPlan, head: string): string | null {
  if (!head.startsWith(`HTTP/1.1 ${plan.status} `)) return `not ${plan.status}: ${head.slice(0, 120)}`;
  const [, length = ""] = /\r\ncontent-length: *([0-9]+)\r\n/i.exec(head) ?? [];
  if (plan.bytes !== null && Number(length) !== plan.bytes) return `length ${length} for ${plan.bytes}`;
  return Number(length) < plan.bytesMin ? `length ${length}, not even ${plan.bytesMin}` : null;
}

function fault(result: LoadResult, why: string): void {
  result.faultCount += 1;
  if (result.faults.length < faultsMax) result.faults.push(why.replaceAll(/\s+/g, " "));
}
