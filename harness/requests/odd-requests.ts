/**
 * Bytes that players may send, and what a listener must make of them: fixtures/requests/odd-requests.json. The reference's
 * listener and the Swift twin's parser are held against the file, and `requests` compares whole proxies over it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A code of the table of errors, or a request: method, target, minor version, asks to close, fields. */
export type OddEvent = string | [string, string | number, number, boolean, string[] | number];

export type OddRequest = {
  name: string;
  /** The rule of server/SPEC.md that it is about. */
  rule: string;
  /** One char is one byte; `{host}` is put in. Long texts say how often a part stands. */
  bytes: string | (string | { text: string; times: number })[];
  /** What comes of them when the player ends its side behind them. Of long texts and lists the length. */
  events: OddEvent[];
};

const file = fileURLToPath(new URL("../../fixtures/requests/odd-requests.json", import.meta.url));

/** Texts and lists longer than this are told by their length. */
const toldMax = { text: 300, list: 100 };

export function oddRequests(): OddRequest[] {
  return JSON.parse(readFileSync(file, "utf8")) as OddRequest[];
}

/** Writes the file anew; its differences are to be read like code. */
export function sealOddRequests(all: OddRequest[]): void {
  writeFileSync(file, `[\n${all.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`);
}

export function oddBytes(one: OddRequest, host: string): Buffer {
  const parts = typeof one.bytes === "string" ? [one.bytes] : one.bytes;
  const texts = parts.map((part) => (typeof part === "string" ? part : part.text.repeat(part.times)));
  return Buffer.from(texts.join("").replaceAll("{host}", host), "latin1");
}

/** A request as the file tells it. */
export function oddEvent(
  method: string,
  target: string,
  httpMinor: number,
  close: boolean,
  fields: string[],
  host: string,
): OddEvent {
  const told = (text: string): string => text.replaceAll(host, "{host}");
  const long =
    fields.length > toldMax.list || [target, ...fields].some((text) => text.length > toldMax.text) || target === "";
  const toldTarget = target.length > toldMax.text ? target.length : told(target);
  return [method, toldTarget, httpMinor, close, long ? fields.length / 2 : fields.map(told)];
}
