/** A response that is complete by its framing has all the bytes that it promised; a failed one can be seen to have failed. */
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { contentRangeOf, fieldOf } from "./message-text.ts";
import { type View, viewsOf } from "./views.ts";

export const cleanOrVisible: Oracle = {
  name: "clean-or-visible",
  says: "What looks complete is complete, and what is not can be seen to be cut.",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context).flatMap((view) =>
      faultsOf(view).map((message) => ({ by: "clean-or-visible", at: view.response.request, message })),
    ),
};

function faultsOf(view: View): string[] {
  const { framing, end, bytes } = view.response;
  const bodyless = view.request.method === "HEAD" || view.status === 204 || view.status === 304;
  if (view.status === 0 || bodyless) return [];
  const faults: string[] = [];
  if (framing === "close" && view.request.version === "1.1") {
    faults.push("the end of the connection is the end of the body: a player cannot tell whether it was cut");
  }
  if (end !== "complete") return faults;
  const promised = fieldOf(view.fields, "content-length");
  if (framing === "length" && promised !== `${bytes}`) faults.push(`complete with ${bytes} of ${promised} bytes`);
  const range = contentRangeOf(view.fields);
  if (view.status === 206 && range !== null && range.last - range.first + 1 !== bytes) {
    faults.push(`complete with ${bytes} bytes for ${range.first}-${range.last}`);
  }
  // Without a length only the resource tells how much there is.
  const judged =
    view.status === 200 && framing !== "length" && !view.playlist && view.json === null && view.bodies.length > 0;
  if (judged && !view.bodies.some((body) => body.length === bytes)) {
    const known = [...new Set(view.bodies.map((body) => body.length))].join(" or ");
    faults.push(`an orderly end after ${bytes} bytes of ${known}`);
  }
  return faults;
}
