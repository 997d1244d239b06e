/** Every body is the right bytes of exactly one version of the resource, and its Content-Range and Content-Length are true. */
import { createHash } from "node:crypto";
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { askedRange, contentRangeOf, fieldOf } from "./message-text.ts";
import { type View, viewsOf } from "./views.ts";

export const bodyIsTheOrigins: Oracle = {
  name: "body-is-the-origins",
  says: "Every body is the asked-for bytes of exactly one version of the resource.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context)
      .filter((view) => view.bodies.length > 0 && !view.playlist && view.json === null && !view.problem)
      .flatMap((view) =>
        faultsOf(view).map((message) => ({ by: "body-is-the-origins", at: view.response.request, message })),
      ),
};

function faultsOf(view: View): string[] {
  if (view.status === 206) return partFaults(view);
  if (view.status === 200) return wholeFaults(view);
  if (view.status === 416) return unsatisfiedFaults(view);
  return [];
}

function partFaults(view: View): string[] {
  const range = contentRangeOf(view.fields);
  const said = fieldOf(view.fields, "content-range");
  if (range === null) return [`206 with Content-Range ${JSON.stringify(said)}`];
  const { first, last, total } = range;
  const versions = view.bodies.filter((body) => body.length === total);
  if (versions.length === 0) return [`Content-Range says ${said}, but the resource has ${lengths(view.bodies)} bytes`];
  const faults: string[] = [];
  const asked = askedRange(view.request.fields, total);
  if (asked === "ignored") faults.push(`206, though no single range was asked for`);
  else if (asked === "unsatisfiable") faults.push(`206 to a range beyond the ${total} bytes`);
  else if (asked.first !== first || asked.last !== last) {
    faults.push(`asked for bytes ${asked.first}-${asked.last} of ${total}, answered ${said}`);
  }
  const length = last - first + 1;
  const claimed = fieldOf(view.fields, "content-length");
  if (claimed !== null && claimed !== `${length}`) faults.push(`Content-Length ${claimed} beside ${said}`);
  return [
    ...faults,
    ...byteFaults(
      view,
      versions.map((body) => body.subarray(first, last + 1)),
      first,
    ),
  ];
}

function wholeFaults(view: View): string[] {
  const claimed = fieldOf(view.fields, "content-length");
  const versions = claimed === null ? view.bodies : view.bodies.filter((body) => `${body.length}` === claimed);
  if (versions.length === 0) return [`Content-Length ${claimed}, but the resource has ${lengths(view.bodies)} bytes`];
  return view.request.method === "HEAD" ? [] : byteFaults(view, versions, 0);
}

function unsatisfiedFaults(view: View): string[] {
  const said = fieldOf(view.fields, "content-range");
  if (said === null || view.bodies.some((body) => said === `bytes */${body.length}`)) return [];
  return [`416 says ${said}, but the resource has ${lengths(view.bodies)} bytes`];
}

/** What is wrong with the bytes that came: they must begin one of `wanted`, and be all of it when the response is complete. */
function byteFaults(view: View, wanted: Buffer[], offset: number): string[] {
  const { bytes, sha256, end } = view.response;
  const begun = wanted.filter((body) => body.length >= bytes && digest(body.subarray(0, bytes)) === sha256);
  if (begun.length === 0) return [differenceText(view, wanted, offset)];
  if (end === "complete" && !begun.some((body) => body.length === bytes)) {
    return [`complete after ${bytes} bytes, though there are ${lengths(begun)}`];
  }
  return [];
}

function differenceText(view: View, wanted: Buffer[], offset: number): string {
  const { bytes, sha256, text } = view.response;
  const nearest = wanted[0] ?? Buffer.alloc(0);
  if (text !== null) {
    const got = Buffer.from(text, "latin1");
    let at = 0;
    while (at < got.length && at < nearest.length && got[at] === nearest[at]) at += 1;
    const around = (body: Buffer): string => JSON.stringify(body.toString("latin1", Math.max(0, at - 20), at + 40));
    return `byte ${offset + at} differs from the origin's: ${around(got)}, not ${around(nearest)}`;
  }
  if (bytes > nearest.length && digest(nearest) !== sha256) {
    return `${bytes} bytes came, though there are ${lengths(wanted)}, and they are of none of ${wanted.length} version(s)`;
  }
  return `the ${bytes} bytes from ${offset} on are of none of ${wanted.length} version(s): SHA-256 ${sha256.slice(0, 16)}…`;
}

function lengths(bodies: Buffer[]): string {
  return [...new Set(bodies.map((body) => body.length))].join(" or ");
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
