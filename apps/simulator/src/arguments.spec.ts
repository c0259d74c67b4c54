import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseArguments } from './arguments.js';
import { HELP } from './help.js';
import { Problem } from './problem.js';

describe('the command line', () => {
  it('asks for three regions, their demo and then to stay when it says nothing', () => {
    expect(parseArguments([])).toEqual({
      help: false,
      once: false,
      fresh: false,
      demo: true,
      json: false,
      dataDirectory: resolve('.meridian'),
      portBase: 5500,
      regions: ['eastus', 'westeurope', 'southeastasia'],
      storage: { driver: 'filesystem' },
      imageMebibytes: 24,
      wanFile: undefined,
    });
  });

  it.each([
    [['--once', '--fresh', '--json'], { once: true, fresh: true, json: true }],
    [['--no-demo'], { demo: false }],
    [['--data', '/tmp/x'], { dataDirectory: '/tmp/x' }],
    [['--regions', 'a, b'], { regions: ['a', 'b'] }],
    [['--port-base', '7000'], { portBase: 7000 }],
    [['--storage', 's3'], { storage: { driver: 'minio' } }],
    [
      ['--storage', 's3', '--s3-endpoint', 'http://127.0.0.1:9000/'],
      { storage: { driver: 's3', endpoints: ['http://127.0.0.1:9000'], region: 'us-east-1' } },
    ],
    [['--image-mib', '1'], { imageMebibytes: 1 }],
    [['-h'], { help: true }],
  ])('%j', (args, expected) => {
    expect(parseArguments(args)).toMatchObject(expected);
  });

  it.each([
    [['--bogus'], /--bogus.*--help/],
    [['extra'], /extra/],
    [['--regions', 'one'], /2 to 9/],
    [['--regions', 'a,b,c,d,e,f,g,h,i,j'], /2 to 9/],
    [['--regions', 'a,a'], /twice/],
    [['--regions', 'a,B'], /"B"/],
    [['--regions', 'a,'], /""/],
    [['--port-base', '80'], /1024/],
    [['--port-base', '65500'], /65406/],
    [['--port-base', '1e4'], /1e4/],
    [['--storage', 'tape'], /filesystem or s3/],
    [['--s3-endpoint', 'http://a'], /needs --storage s3/],
    [['--storage', 's3', '--s3-endpoint', 'ftp://a'], /ftp/],
    [['--storage', 's3', '--s3-endpoint', 'http://a', '--s3-endpoint', 'http://b'], /once per region: 3, not 2/],
    [['--image-mib', '0'], /from 1/],
    [['--json'], /--once/],
    [['--once', '--no-demo'], /give one/],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseArguments(args)).toThrow(Problem);
    expect(() => parseArguments(args)).toThrow(message);
    expect(() => parseArguments(args)).not.toThrow(/\n/);
  });

  it.each([...HELP.matchAll(/^ {2}(--[a-z0-9-]+)/gm)].map(([, option]) => option ?? ''))(
    'knows %s, which the help names',
    (option) => {
      const attempts = [[option], [option, '1']].map((args) => {
        try {
          parseArguments(args);
          return '';
        } catch (error) {
          return String(error);
        }
      });
      expect(attempts.join()).not.toMatch(/Unknown option/);
    },
  );
});
