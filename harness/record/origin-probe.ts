/** Asks an origin once more for what a player made the proxy fetch, so that a case can hold the same resources. */
import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import type { Reply, Resource } from "../case/case-types.ts";
import { fieldValue } from "./recording.ts";
import { fixedLastModified, type OriginReply, resourceOf, scriptedReply } from "./resource-from-reply.ts";

/** The resource behind a target of an origin (`http://host:port`); `text` puts placeholders in. */
export async function probeResource(
  origin: string,
  target: string,
  text: (value: string) => string,
): Promise<Resource> {
  const reply = await ask(origin + target);
  const place = { target, seed: 1, text };
  const resource = resourceOf(reply, place);
  if (resource.lastModified !== null) resource.lastModified = fixedLastModified;
  const scripted = scriptedReply(reply, place) ?? deliveryOf(reply, target);
  return scripted === null ? resource : { ...resource, replies: [scripted] };
}

/** Coding, framing and pace of a reply, where they are not what a good origin does by itself. */
function deliveryOf(reply: OriginReply, target: string): Reply | null {
  const delivery: Reply = { kind: "serve" };
  if (fieldValue(reply.fields, "content-encoding") === "gzip") delivery.encoding = "gzip";
  if (fieldValue(reply.fields, "transfer-encoding") === "chunked") delivery.framing = "chunked";
  // Ten times the recorded pace: the order of events stays, the replay does not take as long as the film.
  const rate = /^\/slow\/.*\.(?:ts|m4s|mp4)\?rate=(\d+)$/.exec(target)?.[1];
  if (rate !== undefined) delivery.rate = Number(rate) * 10;
  return Object.keys(delivery).length > 1 ? delivery : null;
}

function ask(url: string): Promise<OriginReply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers: { "accept-encoding": "gzip" }, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const fields = pairs(response.rawHeaders);
        const wire = Buffer.concat(pieces);
        const body = fieldValue(fields, "content-encoding") === "gzip" ? gunzipSync(wire) : wire;
        const { statusCode = 0, statusMessage = "" } = response;
        resolve({ status: statusCode, reason: statusMessage, fields, body, length: body.length });
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] ?? "", flat[at * 2 + 1] ?? ""]);
}
