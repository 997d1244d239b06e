/** Every head has its fields in the one order and case of SPEC's table (R-RESP-1), hit or miss, answer or problem. */
import type { Finding, Oracle, OracleContext } from "../case/result-types.ts";
import { type View, viewsOf } from "./views.ts";

export const fieldOrder: Oracle = {
  name: "field-order",
  says: "Every head has its fields in one order and case (R-RESP-1).",
  check: (context: OracleContext): Finding[] =>
    viewsOf(context).flatMap((view) =>
      faultsOf(view).map((message) => ({ by: "field-order", at: view.response.request, message })),
    ),
};

const leading = [
  "Content-Type",
  "Content-Length",
  "Content-Range",
  "Accept-Ranges",
  "ETag",
  "Last-Modified",
  "Cache-Control",
  "Expires",
  "Vary",
];

const trailing = [
  "Age",
  "Retry-After",
  "Allow",
  "Cache-Status",
  "Access-Control-Allow-Origin",
  "Access-Control-Allow-Methods",
  "Access-Control-Allow-Headers",
  "Access-Control-Max-Age",
  "Access-Control-Expose-Headers",
  "Cross-Origin-Resource-Policy",
  "Transfer-Encoding",
  "Date",
  "Connection",
];

function faultsOf(view: View): string[] {
  if (view.status === 0) return [];
  const faults: string[] = [];
  let before = { name: "", rank: -1 };
  for (const [name] of view.fields) {
    const known = [...leading, ...trailing].find((one) => one.toLowerCase() === name.toLowerCase());
    if (known !== undefined && known !== name) faults.push(`${name} should be written ${known}`);
    const rank = rankOf(known ?? "");
    if (rank < before.rank) faults.push(`${name} stands behind ${before.name}`);
    before = { name, rank };
  }
  // R-RESP-8
  if (!view.fields.some(([name]) => name === "Connection")) faults.push("no Connection field");
  if (!view.fields.some(([name]) => name === "Date")) faults.push("no Date field");
  return faults;
}

/** The origin's other fields stand between the leading and the trailing ones, in any order. */
function rankOf(known: string): number {
  if (leading.includes(known)) return leading.indexOf(known);
  return trailing.includes(known) ? leading.length + 1 + trailing.indexOf(known) : leading.length;
}
