const HIDDEN = '[hidden]';

/**
 * What must never stand in a log, wherever in a line it is: headers that carry credentials, tokens, the query strings
 * of presigned URLs and grants, and passwords in addresses. The whole line is looked at, for a secret hides as well in
 * the message of an error that somebody else made.
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  [
    /("(?:proxy-)?authorization"|"(?:set-)?cookie"|"[\w-]*(?:token|secret|password|secretAccessKey)"):"(?:[^"\\]|\\.)*"/gi,
    `$1:"${HIDDEN}"`,
  ],
  [/\b(Bearer|Basic|Meridian) [A-Za-z0-9._~+/=-]{8,}/g, `$1 ${HIDDEN}`],
  [/\b(X-Amz-[A-Za-z-]+|AWSAccessKeyId|Signature|meridian-grant)=[^&"\\\s]*/gi, `$1=${HIDDEN}`],
  [/(:\/\/)[^/@"\\\s]+@/g, `$1${HIDDEN}@`],
];

export function redact(line: string): string {
  return RULES.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}
