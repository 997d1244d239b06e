/**
 * Reads one response off a wire, strictly by RFC 9112. A fault is noted, not thrown: the run goes on and the report
 * shows all of it.
 */
import { createHash, type Hash } from "node:crypto";
import { parseHead, WireFault } from "../../server/test/support/raw-player.ts";
import type { WireResponse } from "../case/result-types.ts";
import type { Wire } from "./wire.ts";

/** A response under way: what the report gets, and where reading stands. */
export type Reading = {
  wire: Wire;
  method: string;
  response: WireResponse;
  /** Body bytes of this length or chunk that are still to come. */
  left: number;
  headDone: boolean;
  bodyDone: boolean;
  hash: Hash;
  pieces: Buffer[];
  now: () => number;
};

const headBytesMax = 131_072;
/** Bodies up to this size are kept as text when they can be read, in bytes. */
const textBytesMax = 65_536;

export function beginReading(wire: Wire, request: string, method: string, sent: string, now: () => number): Reading {
  const at = now();
  const response: WireResponse = {
    request,
    sent,
    head: "",
    framing: "none",
    bytes: 0,
    sha256: "",
    text: null,
    end: "none",
    faults: [],
    sentMs: at,
    headMs: -1,
    endMs: -1,
  };
  const hash = createHash("sha256");
  return { wire, method, response, left: 0, headDone: false, bodyDone: false, hash, pieces: [], now };
}

/** Reads on until the head is in, `until` body bytes are in, or the response is over. */
export async function readUntil(reading: Reading, until: "head" | "end" | number): Promise<void> {
  if (!reading.headDone && !(await readHead(reading))) return;
  if (until === "head") return;
  while (!reading.bodyDone && (until === "end" || reading.response.bytes < until)) {
    const most = until === "end" ? Number.MAX_SAFE_INTEGER : until - reading.response.bytes;
    if (!(await readPiece(reading, most))) return;
  }
}

/** Fills in what is known at the end of the run. */
export function finishReading(reading: Reading): WireResponse {
  const { response } = reading;
  if (reading.headDone && response.end === "none") response.end = reading.bodyDone ? "complete" : "open";
  if (response.endMs < 0) response.endMs = reading.now();
  response.sha256 = reading.hash.copy().digest("hex");
  const body = Buffer.concat(reading.pieces);
  response.text =
    body.length === response.bytes && response.bytes > 0 && isReadable(body) ? body.toString("latin1") : null;
  return response;
}

async function readHead(reading: Reading): Promise<boolean> {
  const { wire, response } = reading;
  let end = wire.peek().indexOf("\r\n\r\n");
  while (end < 0) {
    if (wire.peek().length > headBytesMax) return fault(reading, "the response head does not end");
    if (!(await wire.more())) {
      response.head = wire.take(wire.peek().length).toString("latin1");
      if (response.head !== "") response.faults.push("the connection ended inside the head");
      response.end = wire.ended() === "reset" ? "reset" : response.head === "" ? "none" : "cut";
      response.endMs = reading.now();
      return false;
    }
    end = wire.peek().indexOf("\r\n\r\n");
  }
  const head = wire.take(end + 4).toString("latin1");
  if (/^HTTP\/1\.\d 1\d\d /.test(head)) {
    response.faults.push(`interim response: ${JSON.stringify(head)}`);
    return readHead(reading);
  }
  response.head = head;
  response.headMs = reading.now();
  reading.headDone = true;
  try {
    parseHead(head, reading.method);
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
    response.faults.push(error.message);
  }
  setFraming(reading);
  if (reading.bodyDone) complete(reading);
  return true;
}

/** The body's framing (RFC 9112 section 6.3), leniently: what is wrong with the head has been noted already. */
function setFraming(reading: Reading): void {
  const { response } = reading;
  const status = Number(response.head.slice(9, 12));
  const field = (name: string): string | null =>
    new RegExp(`\r\n${name}:[ \t]*([^\r\n]*)`, "i").exec(response.head)?.[1]?.trim() ?? null;
  const length = field("content-length");
  if (reading.method === "HEAD" || status === 204 || status === 304) {
    reading.bodyDone = true;
  } else if (/chunked$/i.test(field("transfer-encoding") ?? "")) {
    response.framing = "chunked";
  } else if (length !== null && /^\d+$/.test(length)) {
    response.framing = "length";
    reading.left = Number(length);
    reading.bodyDone = reading.left === 0;
  } else {
    response.framing = "close";
  }
}

/** Takes at most `most` body bytes; false when the response is over, well or not. */
async function readPiece(reading: Reading, most: number): Promise<boolean> {
  const { response, wire } = reading;
  if (response.framing === "chunked" && reading.left === 0 && !(await readChunkSize(reading))) return false;
  while (wire.peek().length === 0) {
    if (await wire.more()) continue;
    if (response.framing === "close" && wire.ended() === "fin") return complete(reading);
    return broken(reading);
  }
  const room = response.framing === "close" ? most : Math.min(most, reading.left);
  const bytes = wire.take(Math.min(room, wire.peek().length));
  note(reading, bytes);
  if (response.framing === "close") return true;
  reading.left -= bytes.length;
  if (reading.left > 0) return true;
  if (response.framing === "length") return complete(reading);
  const line = await readLine(reading);
  if (line === null) return broken(reading);
  return line === "" || fault(reading, "no CRLF after a chunk");
}

/** The next chunk's size; false when it was the last or is wrong. */
async function readChunkSize(reading: Reading): Promise<boolean> {
  const line = await readLine(reading);
  if (line === null) return broken(reading);
  if (!/^[0-9a-fA-F]{1,8}$/.test(line)) return fault(reading, `chunk size: ${JSON.stringify(line)}`);
  reading.left = Number.parseInt(line, 16);
  if (reading.left > 0) return true;
  for (;;) {
    const trailer = await readLine(reading);
    if (trailer === null) return broken(reading);
    if (trailer === "") return complete(reading);
    reading.response.faults.push(`trailer field: ${trailer}`);
  }
}

async function readLine(reading: Reading): Promise<string | null> {
  const { wire } = reading;
  let end = wire.peek().indexOf("\r\n");
  while (end < 0) {
    if (wire.peek().length > 8_192 || !(await wire.more())) return null;
    end = wire.peek().indexOf("\r\n");
  }
  return wire.take(end + 2).toString("latin1", 0, end);
}

function note(reading: Reading, bytes: Buffer): void {
  reading.response.bytes += bytes.length;
  reading.hash.update(bytes);
  if (reading.response.bytes <= textBytesMax) reading.pieces.push(bytes);
}

function complete(reading: Reading): false {
  reading.bodyDone = true;
  reading.response.end = "complete";
  reading.response.endMs = reading.now();
  return false;
}

function broken(reading: Reading): false {
  reading.bodyDone = true;
  reading.response.end = reading.wire.ended() === "reset" ? "reset" : "cut";
  reading.response.endMs = reading.now();
  return false;
}

/** Nothing that follows on this connection can be trusted. */
function fault(reading: Reading, message: string): false {
  reading.response.faults.push(message);
  reading.headDone = true;
  return broken(reading);
}

/** Text that a person can read: printable latin1 with line ends and tabs. */
function isReadable(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 32 && byte !== 127));
}
