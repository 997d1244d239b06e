/** Actions of the core as plain text, one line each: what a playbook says and a failure shows. */
import type { Body, Flight } from "../../core/download/flight.ts";
import type { Action } from "../../core/exchange/proxy-state.ts";
import type { FieldList } from "../../core/http/field-list.ts";
import type { ResponseHead } from "../../core/response/response-head.ts";

/** The line of an action that is none of the player's own: a head, a pump, what it found. */
export function actionLine(action: Exclude<Action, { kind: "head" | "pump" | "validated" }>): string {
  switch (action.kind) {
    case "send":
      return `send f${action.flight.id} ${methodOf(action.flight)} ${action.flight.url}${fieldsText(action.fields)}`;
    case "resign":
      return `resign f${action.flight.id} ${action.flight.source} after ${action.answer.status}`;
    case "begin":
      return `begin X${action.exchange.id} ${action.exchange.url}`;
    case "store":
      return storeLine(action.body);
    case "span":
      return `span e${action.body.entry.id} ${action.start}-${action.end}`;
    case "touch":
    case "forget":
    case "remove":
      return `${action.kind} e${action.body.entry.id}`;
    case "preload": {
      const { id, state, cause, bytes, segments, segmentsAll, durationMs } = action.preload;
      const why = cause === "" ? "" : ` (${cause})`;
      return `preload p${id} ${state}${why}: ${bytes} bytes, ${segments} of ${segmentsAll} segments, ${durationMs} ms`;
    }
    case "event":
      return `event ${action.name} ${action.detail}`;
    case "abort":
    case "pause":
    case "resume":
    case "landed":
      return `${action.kind} f${action.flight.id}`;
  }
}

function methodOf(flight: Flight): string {
  return flight.verb === "" ? flight.method : flight.verb;
}

/** The line of a head: every field but Date, and Connection when it stays open. */
export function headLine(name: string, head: ResponseHead): string {
  const shown: FieldList = [];
  for (let at = 0; at + 1 < head.fields.length; at += 2) {
    const field = head.fields[at] ?? "";
    const value = head.fields[at + 1] ?? "";
    if (field !== "Date" && !(field === "Connection" && value === "keep-alive")) shown.push(field, value);
  }
  return `${name} head ${head.status} ${head.reason}${fieldsText(shown)}`;
}

function storeLine(body: Body): string {
  const entry = body.entry;
  const pace = entry.targetDurationMs > 0 ? ` every ${entry.targetDurationMs} ms` : "";
  const place = entry.finalUrl === entry.url ? "" : ` from ${entry.finalUrl}`;
  return `store e${entry.id} ${entry.kind} ${entry.total} ${entry.key}${place}${pace}`;
}

function fieldsText(fields: FieldList): string {
  let text = "";
  for (let at = 0; at + 1 < fields.length; at += 2) text += ` | ${fields[at]}: ${fields[at + 1]}`;
  return text;
}
