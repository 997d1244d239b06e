/** All cases, in the order of the table. */
import type { BenchCase } from "../bench-types.ts";
import { hitCases } from "./hits.ts";
import { missCases } from "./misses.ts";

export const cases: BenchCase[] = [...hitCases, ...missCases];
