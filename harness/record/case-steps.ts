/**
 * The steps of a case from a recording: connections, requests, overlap and aborts in the order in which they happened.
 * How long a player thought in between is left out, so that a replay takes no longer than it must.
 */
import type { Step } from "../case/case-types.ts";
import type { RecordedConnection, RecordedRequest, Recording } from "./recording.ts";

/** A request target as a case writes it: in the target's own mapping where that gives the same bytes, else raw. */
export type StepTarget = { path: string; form: "query" | "path" } | { raw: string };

/** What a recording holds that the next run will not: how targets are written, and texts such as host and ports. */
export type StepTexts = { target: (request: RecordedRequest) => StepTarget; text: (value: string) => string };

type Event = { order: number; step: Step };

/** All steps in order. */
export function stepsOf(recording: Recording, texts: StepTexts): Step[] {
  const names = requestNames(recording.requests);
  const events: Event[] = [];
  for (const connection of recording.connections) {
    const own = recording.requests.filter((request) => request.connection === connection.name);
    events.push({ order: connection.opened.order, step: { do: "connect", as: connection.name } });
    for (const request of own) {
      const name = names.get(request) ?? "";
      events.push({ order: request.sent.order, step: sendStep(request, name, texts) });
      const read = readEvent(request, name, connection);
      if (read !== null) events.push(read);
    }
    const end = endEvent(connection);
    if (end !== null) events.push(end);
  }
  return events.sort((a, b) => a.order - b.order).map((event) => event.step);
}

/** "07 v180/seg0.m4s": the place in the recording and what was asked for, as the report shows it. */
function requestNames(requests: RecordedRequest[]): Map<RecordedRequest, string> {
  const width = String(requests.length).length;
  const named = requests.map((request, index): [RecordedRequest, string] => {
    const [target = ""] = decoded(request.target).split(/[?#](?!url=)/);
    const file = target.split("/").slice(-2).join("/");
    return [request, `${String(index + 1).padStart(width, "0")} ${file}`];
  });
  return new Map(named);
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

function sendStep(request: RecordedRequest, name: string, texts: StepTexts): Step {
  const lines = request.fields.map(([field, value]) => `${field}: ${value}\r\n`).join("");
  const regular = `${request.method} ${request.target} HTTP/${request.version}\r\n${lines}\r\n`;
  const target = texts.target(request);
  if (regular !== request.head) {
    const head = texts.text(request.head.slice(request.head.indexOf("\r\n")));
    const written = "raw" in target ? target.raw : `{${target.form}:${target.path}}`;
    const bytes = `${request.method} ${written} HTTP/${request.version}${head}`;
    return { do: "write", on: request.connection, bytes, requests: [name] };
  }
  const step: Step = { do: "send", on: request.connection, request: name };
  if (request.method !== "GET") step.method = request.method;
  if ("raw" in target) step.raw = target.raw;
  else {
    step.path = target.path;
    if (target.form !== "query") step.form = target.form;
  }
  if (request.version === "1.0") step.httpVersion = "1.0";
  step.fields = request.fields.map(([field, value]) => [field, texts.text(value)]);
  return step;
}

/** Reading to the end, or as far as the player came. */
function readEvent(request: RecordedRequest, name: string, connection: RecordedConnection): Event | null {
  const { response } = request;
  if (response === null) return null;
  if (response.complete) return { order: response.endAt.order, step: { do: "read", request: name, until: "end" } };
  // What had arrived when the player left: read just before it does, as all of it had passed by then.
  const until = response.body.length === 0 ? "head" : response.body.length;
  const order = (connection.left?.order ?? response.endAt.order) - 0.5;
  return { order, step: { do: "read", request: name, until } };
}

function endEvent(connection: RecordedConnection): Event | null {
  if (connection.ended !== null) return { order: connection.ended.order, step: { do: "ended", on: connection.name } };
  if (connection.left === null) return null;
  return { order: connection.left.order, step: { do: connection.left.how, on: connection.name } };
}
