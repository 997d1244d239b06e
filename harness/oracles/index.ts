/** The oracles, in the order in which their findings are shown: truths that need no seal. */
import type { Oracle } from "../case/result-types.ts";
import { bodyIsTheOrigins } from "./body-is-the-origins.ts";
import { cacheStatusTrue } from "./cache-status-true.ts";
import { cleanOrVisible } from "./clean-or-visible.ts";
import { fieldOrder } from "./field-order.ts";
import { framing } from "./framing.ts";
import { jsonUris } from "./json-uris.ts";
import { noByteTwice } from "./no-byte-twice.ts";
import { nothingStoredFromFaults } from "./nothing-stored-from-faults.ts";
import { originSeesNoPrivateFields } from "./origin-sees-no-private-fields.ts";
import { reloadsAreTheOrigins } from "./reloads-are-the-origins.ts";
import { rewrittenUris } from "./rewritten-uris.ts";
import { slots } from "./slots.ts";

export const oracles: Oracle[] = [
  bodyIsTheOrigins,
  cleanOrVisible,
  rewrittenUris,
  jsonUris,
  noByteTwice,
  nothingStoredFromFaults,
  framing,
  fieldOrder,
  cacheStatusTrue,
  reloadsAreTheOrigins,
  originSeesNoPrivateFields,
  slots,
];
