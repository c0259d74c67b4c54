import type { Outcome } from './verdict.js';

/** Tells what is going on. */
export type Say = (line: string) => void;

/** One way to load a registry: its size is given, the rest it finds out by itself. */
export type Run<Size> = (size: Size, say: Say, signal: AbortSignal) => Promise<Outcome>;

export const MIB = 1024 * 1024;
