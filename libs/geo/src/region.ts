declare const regionBrand: unique symbol;

/** A region's name: lower-case letters, digits and inner hyphens, 1 to 32 characters. Made only by {@link parseRegionName}. */
export type RegionName = string & { readonly [regionBrand]: 'RegionName' };

const REGION_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** @throws TypeError for anything else */
export function parseRegionName(text: string): RegionName {
  if (!REGION_NAME.test(text)) throw new TypeError(`not a region's name: ${JSON.stringify(text.slice(0, 64))}`);
  return text as RegionName;
}

export type RegionRole = 'primary' | 'replica';
