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

const SHOWN_CHARACTERS = 60;

/** What is wrong with a value, and what is allowed, as the rest of a sentence that begins with its path. */
export function describeIssue(issue: Issue, value: unknown): string {
  if (value === undefined) return `is missing: it must be ${allowed(issue)}`;
  return `is ${show(value)}: it must be ${allowed(issue)}`;
}

function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? oneOf(issue.options) : 'something else';
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `at least ${issue.minimum} ${issue.origin === 'string' ? 'characters long' : 'long'}`
        : `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters long' : ''}`;
    case 'invalid_format':
      return issue.format === 'url'
        ? 'a URL of an allowed kind, like http://host:5000 or redis://host:6379'
        : issue.format;
    default:
      return issue.message.replace(/^must be /, '');
  }
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
