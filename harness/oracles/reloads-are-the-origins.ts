/** A directed reload (rfc8216bis section 6.2.5) asks for what is yet to come: whatever is stored, its origin answers it. */
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { cacheStatus } from "./cache-status-true.ts";
import { fieldOf } from "./message-text.ts";
import { entriesOf } from "./sources.ts";
import { type View, viewsOf } from "./views.ts";

export const reloadsAreTheOrigins: Oracle = {
  name: "reloads-are-the-origins",
  says: "A reload with delivery directives is answered by its origin, and nothing of it is stored.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context)
      .filter(isReload)
      .flatMap((view) =>
        faultsOf(context, view).map((message) => ({
          by: "reloads-are-the-origins",
          at: view.response.request,
          message,
        })),
      ),
};

/** Difference of the clocks of the player and the origin that read the same time, in milliseconds. */
const clockMs = 5;

function isReload(view: View): boolean {
  // The source that was asked for is the first; with rules for the key there are others.
  return view.status > 0 && /[?&]_HLS_(?:msn|part|skip)(?:=|&|$)/.test(view.sources[0]?.target ?? "");
}

function faultsOf(context: OracleContext, view: View): string[] {
  const said = cacheStatus(fieldOf(view.fields, "cache-status") ?? "");
  const faults = ["hit", "stored"].filter((name) => said.has(name)).map((name) => `a directed reload is ${name}`);
  // What the proxy says itself (too busy, out of reach) needs no origin.
  if (view.problem) return faults;
  const { sentMs, headMs } = view.response;
  const answered = entriesOf(context, view.sources).some(
    (entry) => entry.startMs <= headMs + clockMs && (entry.endMs < entry.startMs || entry.endMs >= sentMs - clockMs),
  );
  if (!answered) faults.push("a directed reload was answered without its origin");
  return faults;
}
