/** The request with which a flight asks its origin. */
import { entryEtag, entryLastModified } from "../cache/entry.ts";
import type { Body, Flight } from "../download/flight.ts";
import { isRanged } from "../download/head-verdict.ts";
import { rangeText } from "../http/byte-range.ts";
import type { FieldList } from "../http/field-list.ts";
import { resumeValidator } from "../http/validator.ts";

/** The fields with which a flight asks its origin. */
export function flightRequest(flight: Flight): FieldList {
  const fields = flight.forward.slice();
  // R-FLIGHT-5: what another flight took over while this one waited is not asked for.
  if (flight.purpose === "hole" && !flight.body.rangeless) flight.askEnd = flight.limit;
  if (flight.verb !== "") {
    fields.push("Accept-Encoding", "identity");
    return fields;
  }
  // R-ASK-1
  fields.push("Accept-Encoding", flight.playlist ? "gzip" : "identity");
  const ask = {
    method: flight.method,
    url: flight.url,
    start: flight.askStart,
    end: flight.askEnd,
    suffix: flight.askSuffix,
    conditional: false,
  };
  if (isRanged(ask)) {
    fields.push(
      "Range",
      flight.askSuffix >= 0 ? `bytes=-${flight.askSuffix}` : rangeText(flight.askStart, flight.askEnd),
    );
  }
  if (flight.purpose === "hole") {
    // R-FLIGHT-8
    const validator = resumeValidator(entryEtag(flight.body.entry), entryLastModified(flight.body.entry));
    if (validator !== null && isRanged(ask)) fields.push("If-Range", validator);
  } else if (flight.revalidates !== null) {
    pushConditions(fields, flight.revalidates);
  }
  return fields;
}

function pushConditions(fields: FieldList, known: Body): void {
  const etag = entryEtag(known.entry);
  const lastModified = entryLastModified(known.entry);
  // R-REVAL-4
  if (etag !== null) fields.push("If-None-Match", etag);
  if (lastModified !== null) fields.push("If-Modified-Since", lastModified);
}
