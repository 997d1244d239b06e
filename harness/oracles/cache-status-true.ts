/** What Cache-Status says is what the origin saw: a hit asks nobody, a forward asks (RFC 9211 section 2). */
import type { Finding, Oracle, OracleContext, OriginEntry } from "../case/result-types.ts";
import { fieldOf, hasDirective } from "./message-text.ts";
import { entriesOf } from "./sources.ts";
import { type View, viewsOf } from "./views.ts";

export const cacheStatusTrue: Oracle = {
  name: "cache-status-true",
  says: "A hit asks the origin nothing, and what is forwarded is seen there.",
  check: (context: OracleContext): Finding[] => {
    const views = viewsOf(context);
    return views.flatMap((view) =>
      faultsOf(context, view, views).map((message) => ({
        by: "cache-status-true",
        at: view.response.request,
        message,
      })),
    );
  },
};

/** Difference of the clocks of the player and the origin that read the same time, in milliseconds. */
const clockMs = 5;

/** The parameters of Cache-Status; a flag's value is "". */
export function cacheStatus(text: string): Map<string, string> {
  const parameters = text.split(";").slice(1);
  return new Map(
    parameters.map((one) => {
      const [name = "", value = ""] = one.trim().split("=");
      return [name, value.replace(/^"|"$/g, "")];
    }),
  );
}

function faultsOf(context: OracleContext, view: View, views: View[]): string[] {
  const text = fieldOf(view.fields, "cache-status");
  if (text === null || view.sources.length === 0) return [];
  const said = cacheStatus(text);
  const entries = entriesOf(context, view.sources);
  if (said.has("hit")) return hitFaults(context, view, views, entries, text, said);
  const faults: string[] = [];
  for (const name of ["fwd-status", "stored", "collapsed"]) {
    if (said.has(name) && !said.has("fwd")) faults.push(`${name} without fwd: ${text}`);
  }
  // One who joins may get what the origin has already written and forgotten.
  const joined = said.has("collapsed");
  const status = said.get("fwd-status");
  // Without the origin's status the head went out first: the origin is asked when the player gets to the hole.
  const lastMs = status === undefined ? view.response.endMs : view.response.headMs;
  const during = entries.filter((entry) =>
    joined ? entry.startMs <= view.response.headMs + clockMs : isDuring(entry, view, lastMs),
  );
  if (status !== undefined && !during.some((entry) => `${entry.status}` === status)) {
    const seen = during.map((entry) => entry.status).join(", ");
    faults.push(`fwd-status=${status}, but the origin answered ${seen === "" ? "nothing" : seen}`);
  }
  // A problem may come of an origin that cannot be reached at all, and what is offline is not asked.
  if (said.has("fwd") && status === undefined && !said.has("detail") && !view.problem && during.length === 0) {
    faults.push(`${text}, but the origin saw no request`);
  }
  return faults;
}

function hitFaults(
  context: OracleContext,
  view: View,
  views: View[],
  entries: OriginEntry[],
  text: string,
  said: Map<string, string>,
): string[] {
  const faults: string[] = [];
  const forwards = ["fwd", "fwd-status", "stored", "collapsed"].filter((name) => said.has(name));
  if (forwards.length > 0) faults.push(`hit beside ${forwards.join(", ")}: ${text}`);
  const { sentMs, endMs } = view.response;
  const others = views.filter(
    (other) =>
      other !== view && other.response.sentMs <= endMs && other.response.endMs >= sentMs && isSame(other, view),
  );
  // Another player's request for the same resource, at the same time, may be what the origin saw.
  const asked = entries.filter((entry) => entry.startMs > sentMs + clockMs && entry.startMs < endMs - clockMs);
  if (others.length === 0 && asked.length > 0) faults.push(`a hit, but the origin was asked meanwhile`);
  if ((view.status === 200 || view.status === 206) && fieldOf(view.fields, "age") === null) {
    faults.push("a hit without Age");
  }
  // R-STORE-9, R-STORE-3: what may not be stored cannot be a hit.
  if (fieldOf(view.fields, "set-cookie") !== null) faults.push("a hit with Set-Cookie");
  const control = fieldOf(view.fields, "cache-control") ?? "";
  if (hasDirective(control, "no-store") && context.case.options.ignoreNoStore !== true)
    faults.push("a hit of no-store");
  return faults;
}

function isSame(other: View, view: View): boolean {
  return other.sources.some((one) =>
    view.sources.some((two) => one.origin === two.origin && one.target === two.target),
  );
}

/** Whether the origin's transfer and the wait until `lastMs` have a moment in common. */
function isDuring(entry: OriginEntry, view: View, lastMs: number): boolean {
  const ended = entry.endMs < entry.startMs ? Number.POSITIVE_INFINITY : entry.endMs;
  return entry.startMs <= lastMs + clockMs && ended >= view.response.sentMs - clockMs;
}
