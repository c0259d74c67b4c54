export const SIZE_NAMES = ['small', 'medium', 'large'] as const;
export type SizeName = (typeof SIZE_NAMES)[number];

interface SizePlan {
  /** Layers that other sizes have too, in bytes. */
  readonly base: readonly number[];
  readonly own: readonly number[];
}

const MEGABYTE = 1_000_000;
const megabytes = (...sizes: readonly number[]): readonly number[] => sizes.map((size) => size * MEGABYTE);

/** An operating system and a runtime, as the images of one company share them. */
const COMMON_BASE = megabytes(80, 40, 20, 10);

/** 10 MB; 250 MB in 8 layers; 1 GB that shares its base with the 250 MB. */
const PLANS: Readonly<Record<SizeName, SizePlan>> = {
  small: { base: [], own: megabytes(7, 2, 1) },
  medium: { base: COMMON_BASE, own: megabytes(50, 30, 15, 5) },
  large: { base: COMMON_BASE, own: megabytes(500, 200, 100, 50) },
};

/** `scale`: 1 for the sizes as they are called, less for a quick look. */
export function planOf(size: SizeName, scale: number): SizePlan {
  const scaled = (bytes: number): number => Math.max(1, Math.round(bytes * scale));
  return { base: PLANS[size].base.map(scaled), own: PLANS[size].own.map(scaled) };
}
