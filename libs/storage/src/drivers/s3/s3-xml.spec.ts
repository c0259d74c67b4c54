import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { escapeXml, xmlElements, xmlText } from './s3-xml.js';

const LIST = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>true</IsTruncated>
<Contents><Key>a&amp;b!</Key><ETag>&#34;e&quot;</ETag><Owner><ID>x</ID></Owner></Contents><Contents><Key>c</Key></Contents></ListBucketResult>`;

describe('what is read of XML', () => {
  it('gives the elements of a name in their order', () => {
    expect([...xmlElements(LIST, 'Contents')].map((contents) => xmlText(contents, 'Key'))).toEqual(['a&b!', 'c']);
  });

  it.each([
    ['ETag', '"e"'],
    ['IsTruncated', 'true'],
    ['Nothing', ''],
  ])('reads the text of %s', (name, text) => {
    expect(xmlText(LIST, name)).toBe(text);
  });

  it('reads any text that it escaped', () => {
    fc.assert(fc.property(fc.string(), (text) => xmlText(`<A>${escapeXml(text)}</A>`, 'A') === text));
  });

  it('never fails, whatever comes', () => {
    const bits = fc.constantFrom('<A>', '</A>', '&#', '&#x110000;', '&#1114112;', '&amp', ';', '9');
    fc.assert(fc.property(fc.array(bits), (pieces) => typeof xmlText(pieces.join(''), 'A') === 'string'));
  });
});
