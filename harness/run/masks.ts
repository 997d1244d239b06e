/**
 * The closed list of masks: what may differ between two runs that are equal. Addresses (ports are ephemeral), Date, and
 * Age within a bound. What is measured (times, connection numbers, bytes that were under way when somebody
 * left) is no part of a seal at all; see seal.ts.
 */
import { createHash } from "node:crypto";
import { type Addresses, hostOf, portOf } from "../case/placeholders.ts";
import type { OriginEntry, Transcript, WireResponse } from "../case/result-types.ts";

/** How far a response's Age may be from its seal's, beside the time that the case took, in seconds. */
export const ageSlackSeconds = 3;

/** The transcript with placeholders for addresses and Date. Lengths and hashes are those of the masked text. */
export function maskTranscript(transcript: Transcript, addresses: Addresses): Transcript {
  const mask = addressMask(addresses);
  return {
    responses: transcript.responses.map((response) => maskResponse(response, mask)),
    origin: transcript.origin.map((entry) => maskEntry(entry, mask)),
    concurrent: transcript.concurrent,
  };
}

type Mask = (text: string) => string;

/** Addresses in every spelling that the wire knows: as they are and percent-encoded, and their ports under other names. */
function addressMask(addresses: Addresses): Mask {
  const names: [string, string, string][] = [
    [addresses.originUrl, "{origin-host}", "{origin-port}"],
    [addresses.otherUrl, "{other-host}", "{other-port}"],
    [addresses.targetUrl, "{host}", "{port}"],
  ];
  return (text) => {
    let masked = text;
    // Whole addresses first: on two machines, such as a phone and this one, two of the ports may be one number.
    for (const [url, name] of names) {
      const host = hostOf(url);
      masked = masked.replaceAll(host, name).replaceAll(host.replaceAll(":", "%3A"), name);
    }
    for (const [url, , portName] of names) {
      const port = portOf(url);
      if (port === "") continue;
      const elsewhere = new RegExp(`(:|%3A|%253A)${port}(?!\\d)`, "gi");
      masked = masked.replaceAll(elsewhere, (_whole, colon: string) => colon + portName);
    }
    return masked;
  };
}

function maskResponse(response: WireResponse, mask: Mask): WireResponse {
  const text = response.text === null ? null : mask(response.text);
  const changed = text !== null && text !== response.text;
  const bytes = changed ? text.length : response.bytes;
  const sha256 = changed ? createHash("sha256").update(text, "latin1").digest("hex") : response.sha256;
  const head = mask(response.head).replace(/^(Date: )[^\r\n]*/im, "$1{date}");
  return {
    ...response,
    sent: mask(response.sent),
    // A length that was true stays true of the masked text.
    head: changed ? head.replace(`Content-Length: ${response.bytes}\r\n`, `Content-Length: ${bytes}\r\n`) : head,
    text,
    bytes,
    sha256,
    faults: response.faults.map(mask),
  };
}

function maskEntry(entry: OriginEntry, mask: Mask): OriginEntry {
  return {
    ...entry,
    target: mask(entry.target),
    fields: entry.fields.map(([name, value]): [string, string] => [name, mask(value)]),
  };
}

/**
 * The head with the other side's Age, when its own is within the bound: each may be older than the other by no more than
 * the slack and the time that its own case had taken, since a loaded machine ages what it stores. A seal took none.
 */
export function alignAge(otherHead: string, otherMs: number, head: string, elapsedMs: number): string {
  const field = /^Age: (\d+)$/m;
  const other = field.exec(otherHead.replaceAll("\r", ""))?.[1];
  const actual = field.exec(head.replaceAll("\r", ""))?.[1];
  if (other === undefined || actual === undefined) return head;
  const older = Number(actual) - Number(other);
  const within = older >= -ageSlackSeconds - otherMs / 1000 && older <= ageSlackSeconds + elapsedMs / 1000;
  return within ? head.replace(`Age: ${actual}\r\n`, `Age: ${other}\r\n`) : head;
}
