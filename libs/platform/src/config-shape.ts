import type { z } from 'zod';

/** What the overlay and the messages need to know of the schema, so that they can never know something else. */
export type ConfigShape =
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, ConfigShape> }
  | { readonly kind: 'choice'; readonly field: string; readonly options: ReadonlyMap<string, ConfigShape> }
  | { readonly kind: 'list' | 'map'; readonly element: ConfigShape }
  | { readonly kind: 'text' | 'number' | 'boolean' };

export type ScalarKind = 'text' | 'number' | 'boolean' | 'texts';

/** The parts of zod's definitions that are looked at; `def` is zod's public way to look into a schema. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly discriminator?: string;
  readonly options?: readonly z.ZodType[];
}

export function shapeOf(schema: z.ZodType): ConfigShape {
  const definition = schema.def as unknown as Definition;
  const wrapped = definition.innerType ?? definition.in;
  if (wrapped) return shapeOf(wrapped);
  if (definition.shape) return { kind: 'object', fields: fieldsOf(definition.shape) };
  if (definition.discriminator && definition.options) return choiceOf(definition.discriminator, definition.options);
  if (definition.element) return { kind: 'list', element: shapeOf(definition.element) };
  if (definition.valueType) return { kind: 'map', element: shapeOf(definition.valueType) };
  if (definition.type === 'number' || definition.type === 'boolean') return { kind: definition.type };
  return { kind: 'text' };
}

/** The fields that may stand below `shape`, given what stands there; of a choice that is not made yet, all of them. */
export function fieldsBelow(shape: ConfigShape, value: unknown): ReadonlyMap<string, ConfigShape> {
  if (shape.kind === 'object') return shape.fields;
  if (shape.kind !== 'choice') return new Map();
  const made = shape.options.get(String((value as Record<string, unknown> | undefined)?.[shape.field]));
  if (made) return fieldsBelow(made, value);
  return new Map([...shape.options.values()].flatMap((option) => [...fieldsBelow(option, value)]));
}

/** Every setting that one environment variable can hold, with where it stands. */
export function* scalarsOf(
  shape: ConfigShape,
  path: readonly string[] = [],
): Generator<{ path: readonly string[]; kind: ScalarKind }> {
  if (shape.kind === 'text' || shape.kind === 'number' || shape.kind === 'boolean') yield { path, kind: shape.kind };
  else if (shape.kind === 'list' && shape.element.kind === 'text') yield { path, kind: 'texts' };
  else for (const [name, field] of fieldsBelow(shape, undefined)) yield* scalarsOf(field, [...path, name]);
}

function fieldsOf(shape: Readonly<Record<string, z.ZodType>>): ReadonlyMap<string, ConfigShape> {
  return new Map(Object.entries(shape).map(([name, field]) => [name, shapeOf(field)]));
}

function choiceOf(field: string, options: readonly z.ZodType[]): ConfigShape {
  const shapes = options.map((option): [string, ConfigShape] => {
    const { shape } = option.def as unknown as Definition;
    const literal = shape?.[field]?.def as { readonly values?: readonly string[] } | undefined;
    return [literal?.values?.[0] ?? '', shapeOf(option)];
  });
  return { kind: 'choice', field, options: new Map(shapes) };
}
