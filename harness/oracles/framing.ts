/** Every response is strict HTTP/1.1 (RFC 9112), with what players need of a 206 and without other hops' fields. */
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { contentRangeOf, fieldOf, fieldValues } from "./message-text.ts";
import { type View, viewsOf } from "./views.ts";

export const framing: Oracle = {
  name: "framing",
  says: "Every response is strictly framed, has no field twice and none of another hop.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context).flatMap((view) =>
      [...new Set([...parserFaults(view), ...headFaults(view)])].map((message) => ({
        by: "framing",
        at: view.response.request,
        message,
      })),
    ),
};

const otherHops = [
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "upgrade",
  "content-encoding",
  "http2-settings",
];

const ofContent = ["content-type", "content-length", "content-range", "content-encoding", "transfer-encoding"];

/** What the strict parser said; 100 (Continue) is right for who asks for it (RFC 9110 section 10.1.1). */
function parserFaults(view: View): string[] {
  const expects = fieldOf(view.request.fields, "expect")?.toLowerCase() === "100-continue";
  return view.response.faults.filter((fault) => !expects || !/^interim response: "HTTP\/1\.1 100 /.test(fault));
}

function headFaults(view: View): string[] {
  if (view.status === 0) return [];
  const names = view.fields.map(([name]) => name.toLowerCase());
  const faults = names
    .filter((name, at) => names.indexOf(name) !== at && name !== "set-cookie")
    .map((name) => `field twice: ${name}`);
  faults.push(...otherHops.filter((name) => names.includes(name)).map((name) => `field of another hop: ${name}`));
  const connection = fieldValues(view.fields, "connection").join(", ").toLowerCase();
  if (!["", "close", "keep-alive"].includes(connection)) faults.push(`Connection: ${connection}`);
  const coding = fieldOf(view.fields, "transfer-encoding");
  if (coding !== null && coding !== "chunked") faults.push(`Transfer-Encoding: ${coding}`);
  if (coding !== null && names.includes("content-length")) faults.push("Content-Length beside Transfer-Encoding");
  if (coding !== null && view.request.version === "1.0") faults.push("chunked to an HTTP/1.0 player");
  return [...faults, ...statusFaults(view, names)];
}

function statusFaults(view: View, names: string[]): string[] {
  const faults: string[] = [];
  if (view.status === 206) {
    if (!names.includes("content-length")) faults.push("206 without Content-Length");
    if (contentRangeOf(view.fields) === null) {
      faults.push(`206 with Content-Range ${JSON.stringify(fieldOf(view.fields, "content-range"))}`);
    }
  } else if (view.status !== 416 && names.includes("content-range")) {
    faults.push(`Content-Range on ${view.status}`);
  }
  if (view.status === 204 || view.status === 304) {
    faults.push(...ofContent.filter((name) => names.includes(name)).map((name) => `${name} on ${view.status}`));
    if (view.response.bytes > 0) faults.push(`a body on ${view.status}`);
  }
  if (view.request.method === "HEAD" && view.response.bytes > 0) faults.push("a body in the answer to HEAD");
  if (view.status === 405 && !names.includes("allow")) faults.push("405 without Allow");
  return faults;
}
