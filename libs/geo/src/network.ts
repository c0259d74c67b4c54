import { BlockList, isIP } from 'node:net';

const ADDRESS_BITS = { 4: 32, 6: 128 } as const;

/** IPv4 lives in the last 32 bits of IPv6 (v4-mapped), so prefixes of both families compare on one scale. */
const MAPPED_BITS = 96;

/** A network, IPv4 or IPv6. A v4-mapped address is in the IPv4 networks of the address that it holds. */
export interface Network {
  /** Length of the prefix on the scale of IPv6: more is more specific. */
  readonly specificity: number;
  /** False for anything that is no address. */
  contains(address: string): boolean;
}

/** `address/prefix`; an address alone is a network of one. @throws TypeError for anything else */
export function parseNetwork(cidr: string): Network {
  const [address = '', prefixText, ...rest] = cidr.split('/');
  const family = isIP(address);
  if ((family !== 4 && family !== 6) || rest.length > 0) throw notNetwork(cidr);
  const prefix = prefixText === undefined ? ADDRESS_BITS[family] : parsePrefix(prefixText, ADDRESS_BITS[family]);
  if (prefix === undefined) throw notNetwork(cidr);
  return networkOf(address, prefix, family);
}

function networkOf(address: string, prefix: number, family: 4 | 6): Network {
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return {
    specificity: family === 4 ? prefix + MAPPED_BITS : prefix,
    contains: (candidate) => {
      const candidateFamily = isIP(candidate);
      return candidateFamily !== 0 && list.check(candidate, candidateFamily === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

function parsePrefix(text: string, max: number): number | undefined {
  if (!/^\d{1,3}$/.test(text)) return undefined;
  const prefix = Number(text);
  return prefix <= max ? prefix : undefined;
}

function notNetwork(cidr: string): TypeError {
  return new TypeError(`not a network: ${JSON.stringify(cidr.slice(0, 64))}`);
}
