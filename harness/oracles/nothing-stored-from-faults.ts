/**
 * Nothing is stored from a faulty response: who asks again is not told an error that the origin did not give him, and gets
 * the right bytes. (That a body's bytes are right, `body-is-the-origins` sees; here is where they come from.)
 */
import type { Finding, Oracle, OracleContext, OriginEntry } from "../case/result-types.ts";
import { entriesOf, resourceOf } from "./sources.ts";
import { type View, viewsOf } from "./views.ts";

export const nothingStoredFromFaults: Oracle = {
  name: "nothing-stored-from-faults",
  says: "An error of the origin is told to those who asked then, and to nobody later.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context).flatMap((view) => {
      const message = view.sources.length === 0 ? null : faultOf(context, view);
      return message === null ? [] : [{ by: "nothing-stored-from-faults", at: view.response.request, message }];
    }),
};

/** Difference of the clocks of the player and the origin that read the same time, in milliseconds. */
const clockMs = 5;

function faultOf(context: OracleContext, view: View): string | null {
  const entries = entriesOf(context, view.sources);
  if (view.status >= 400 && view.status !== 416 && !view.problem) {
    return entries.some((entry) => entry.status === view.status && isDuring(entry, view))
      ? null
      : `${view.status}, though the origin was not asked and did not say so then`;
  }
  if (view.status !== 200 && view.status !== 206) return null;
  if (!view.sources.some((source) => resourceOf(context, source) !== undefined)) {
    return `${view.status} for what the origin does not have`;
  }
  const brought = entries.filter((entry) => entry.startMs <= view.response.endMs + clockMs);
  const empty = view.response.bytes === 0 || view.bodies.length === 0;
  if (empty || brought.length === 0) return null;
  return brought.every((entry) => entry.status >= 400) ? `a body, though the origin has given errors only` : null;
}

/** Whether the origin's answer and the player's have a moment in common. */
function isDuring(entry: OriginEntry, view: View): boolean {
  const ended = entry.endMs < entry.startMs ? Number.POSITIVE_INFINITY : entry.endMs;
  return entry.startMs <= view.response.headMs + clockMs && ended >= view.response.sentMs - clockMs;
}
