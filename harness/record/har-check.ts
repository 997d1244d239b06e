/** Whether a file is HAR 1.2: required fields and their types, by fixtures/schema/har.schema.json. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import type { HarFile } from "./har-types.ts";

/** Parses a HAR. Throws with the place of the first fault; a byte order mark, as some tools write, is no fault. */
export function parseHar(text: string): HarFile {
  const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
  const fault = harFault(value);
  if (fault !== "") throw new Error(`no HAR 1.2 file: ${fault}`);
  // The schema has just said so.
  return value as HarFile;
}

/** What is wrong with it, or "". */
export function harFault(value: unknown): string {
  const schemaUrl = new URL("../../fixtures/schema/har.schema.json", import.meta.url);
  const validate = new Ajv().compile(JSON.parse(readFileSync(schemaUrl, "utf8")));
  if (validate(value)) return "";
  const first = validate.errors?.[0];
  return `${first?.instancePath || "/"} ${first?.message}`;
}
