import type { BrokenRule } from './check-config.js';
import { type ConfigShape, fieldsBelow } from './config-shape.js';
import { nearest } from './nearest.js';

/** Keys that no setting has: a typo in one would otherwise go unnoticed until its default hurts. */
export function unknownKeys(shape: ConfigShape, value: unknown, path: readonly string[] = []): readonly BrokenRule[] {
  if (typeof value !== 'object' || value === null) return [];
  if (shape.kind === 'list' || shape.kind === 'map') {
    return Object.entries(value).flatMap(([name, child]) => unknownKeys(shape.element, child, [...path, name]));
  }
  if (shape.kind !== 'object' && shape.kind !== 'choice') return [];
  const fields = fieldsBelow(shape, value);
  return Object.entries(value).flatMap(([name, child]) => {
    const field = fields.get(name);
    return field ? unknownKeys(field, child, [...path, name]) : [unknownKey(name, fields, path)];
  });
}

function unknownKey(name: string, fields: ReadonlyMap<string, ConfigShape>, path: readonly string[]): BrokenRule {
  const hint = nearest(name, fields.keys());
  const advice = hint === undefined ? `; known here: ${[...fields.keys()].join(', ')}` : `; did you mean ${hint}?`;
  return { path: [...path, name], what: `is not a setting${advice}` };
}
