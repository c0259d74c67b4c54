import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** How a message of the schema's own begins: it says what is allowed better than anything made from an issue. */
const SAID_BY_SCHEMA = 'must be ';

const SHOWN_CHARACTERS = 60;

/** What is wrong with a value, and what is allowed, as the rest of a sentence that begins with its path. */
export function describeIssue(issue: Issue, value: unknown): string {
  if (value === undefined) return `is missing: it must be ${allowed(issue)}`;
  if (issue.code === 'custom' && typeof value === 'object') return issue.message;
  return `is ${show(value)}: it must be ${allowed(issue)}`;
}

function allowed(issue: Issue): string {
  if (issue.message.startsWith(SAID_BY_SCHEMA)) return issue.message.slice(SAID_BY_SCHEMA.length);
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? oneOf(issue.options) : 'something else';
    case 'too_small':
      return atLeast(issue.origin, issue.minimum);
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    default:
      return issue.message;
  }
}

function atLeast(origin: string, minimum: number | bigint): string {
  if (origin !== 'string' && origin !== 'array') return `at least ${minimum}`;
  if (minimum === 1) return 'anything but empty';
  return `at least ${minimum} ${origin === 'string' ? 'characters' : 'elements'} long`;
}

function oneOf(values: readonly unknown[]): string {
  return values
    .map(String)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');
}

/** A value as it may be printed: addresses may carry passwords before an `@`. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  const safe = text.replace(/[^\s"'/]*@/g, '…@');
  return safe.length > SHOWN_CHARACTERS ? `${safe.slice(0, SHOWN_CHARACTERS)}…` : safe;
}
