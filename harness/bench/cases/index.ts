/** All cases, in the order of the table. */
import type { BenchCase } from "../bench-types.ts";
import { growthCases } from "./growth.ts";
import { hitCases } from "./hits.ts";
import { linkCases } from "./links.ts";
import { missCases } from "./misses.ts";
import { shareCases } from "./shares.ts";

export const cases: BenchCase[] = [...hitCases, ...missCases, ...shareCases, ...linkCases, ...growthCases];
