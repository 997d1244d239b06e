/**
 * Requests that nobody would write: odd ones with a few bytes changed, put in, left out, doubled or exchanged for words
 * that parsers watch for. The same seed makes the same requests.
 */
import { oddBytes, oddRequests } from "./odd-requests.ts";

/** What parsers watch for. */
const words = [
  ...'\r\n|\r|\n|\r\n\r\n| |  |\t|:|,|;|?|#|//|%|@|*|[::1]|\0|\x7f|\x80|\xff|\xa0|\x0b|\\|"'.split("|"),
  "Host: {host}\r\n",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Content-Length:",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip, chunked\r\n",
  "Transfer-Encoding:",
  ", chunked",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Proxy-Connection: close\r\n",
  " close",
  ", keep-alive",
  "Range: bytes=0-1\r\n",
  ..."HTTP/1.1|HTTP/1.0|HTTP/2.0|HTTP/0.9|ICE/1.0".split("|"),
  ..."GET|HEAD|POST|OPTIONS|CONNECT|PRI|BREW|SOURCE|QUERY|M-SEARCH|get".split("|"),
  "0\r\n\r\n",
  "3\r\nab\n\r\n",
  "1;a=b\r\nx\r\n",
  '0;a="b\\"c"\r\n\r\n',
  "0\r\nT: x\r\n\r\n",
  "ffffffffffffffff",
  "18446744073709551616",
  "X:\r\n",
  "X: \r\n y\r\n",
  "X : y\r\n",
  "GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n",
  "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
];

/** Longest request that is changed; larger ones would be read in pieces of chance. */
const bytesMax = 2_000;

/** What the reference does not treat as its rules say, by chance of its HTTP library: an offer to upgrade swallows the bytes behind it. */
const unsettled = /upgrade/i;

export type MadeRequest = { name: string; bytes: Buffer };

/** The odd requests as they are. */
export function allOddRequests(host: string): MadeRequest[] {
  return oddRequests()
    .map((one) => ({ name: one.name, bytes: oddBytes(one, host) }))
    .filter(({ bytes }) => isSettled(bytes));
}

/** `count` changed ones. */
export function madeRequests(seed: number, count: number, host: string): MadeRequest[] {
  const next = randomFrom(seed);
  const bases = allOddRequests(host).filter(({ bytes }) => bytes.length <= bytesMax);
  const made: MadeRequest[] = [];
  for (let at = 0; made.length < count; at += 1) {
    const text = changed(bases, next, host);
    const bytes = Buffer.from(text, "latin1");
    if (bytes.length > 0 && isSettled(bytes)) made.push({ name: `seed ${seed}, number ${at}`, bytes });
  }
  return made;
}

function changed(bases: MadeRequest[], next: (below: number) => number, host: string): string {
  const base = (): string => bases[next(bases.length)]?.bytes.toString("latin1") ?? "";
  const word = (): string => (words[next(words.length)] ?? "").replace("{host}", host);
  const byte = (): string => String.fromCharCode(next(256));
  let text = base();
  for (let left = 1 + next(3); left > 0; left -= 1) {
    const at = next(text.length + 1);
    const length = 1 + next(4);
    const before = text.slice(0, at);
    const changes = [
      () => before + byte() + text.slice(at + 1),
      () => before + byte() + text.slice(at),
      () => before + text.slice(at + length),
      () => before + word() + text.slice(at),
      () => before + word() + text.slice(at + length),
      () => before + text.slice(at, at + 8 * length) + text.slice(at),
      () => {
        const other = base();
        return before + other.slice(next(other.length + 1));
      },
    ];
    text = changes[next(changes.length)]?.() ?? text;
  }
  return next(10) === 0 ? text.slice(0, 1 + next(text.length)) : text;
}

/** Whether the reference's rules decide what comes of it. */
function isSettled(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  return !unsettled.test(text) && contentEndsALine(text);
}

/** The reference takes content that ends in no line feed for a part of the line behind it, when that is refused. */
function contentEndsALine(text: string): boolean {
  for (const match of text.matchAll(/content-length:[ \t]*0*([1-9]\d{0,5})[ \t]*\r\n/gi)) {
    const end = text.indexOf("\r\n\r\n", match.index) + 4 + Number(match[1]);
    if (end < text.length && text[end - 1] !== "\n") return false;
  }
  return true;
}

/** mulberry32: small, quick, and good enough for test data. `next(n)` is in 0 to n - 1. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}
