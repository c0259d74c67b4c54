/**
 * What is read of a store's XML: elements by name, wherever they are, and text. S3's answers are flat records without
 * attributes of interest, and no element holds another of its own name, so this needs no tree. A page of a thousand
 * objects is read in a few milliseconds.
 */

/** The insides of every element of that name, in their order. */
export function* xmlElements(xml: string, name: string): Generator<string> {
  const opening = `<${name}>`;
  const closing = `</${name}>`;
  for (let at = xml.indexOf(opening); at >= 0; at = xml.indexOf(opening, at)) {
    const end = xml.indexOf(closing, at);
    if (end < 0) return;
    yield xml.slice(at + opening.length, end);
    at = end + closing.length;
  }
}

/** The text of the first element of that name; empty if there is none. */
export function xmlText(xml: string, name: string): string {
  const [text = ''] = xmlElements(xml, name);
  return text.includes('&') ? text.replace(REFERENCE, decode) : text;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const LAST_CODE_POINT = 0x10ffff;

function decode(reference: string, decimal?: string, hexadecimal?: string, name = ''): string {
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number.parseInt(decimal, 10);
  if (code <= LAST_CODE_POINT) return String.fromCodePoint(code);
  return NAMED[name] ?? reference;
}
