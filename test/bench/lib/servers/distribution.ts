import { freePort } from '../../../support/ports.js';
import { TestProcess } from '../../../support/process.js';
import { tool } from '../../../support/tools.js';
import { type RunningServer, type Storage, writeSettings } from './settings.js';

/** CNCF distribution v3, as its own documentation sets it up, without a log of requests. */
export async function startDistribution(
  directory: string,
  storage: Storage,
  redirect: boolean,
): Promise<RunningServer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const settings = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      ...driverOf(storage),
      cache: { blobdescriptor: 'inmemory' },
      delete: { enabled: true },
      redirect: { disable: !redirect },
    },
    http: { addr: `127.0.0.1:${port}`, secret: 'bench' },
  };
  // JSON is YAML.
  const file = await writeSettings(directory, 'config.yml', JSON.stringify(settings));
  const process = await TestProcess.start({
    name: 'distribution',
    command: tool('registry'),
    args: ['serve', file],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    isReady: async () => (await fetch(`${origin}/v2/`)).ok,
  });
  return { origins: [origin], pids: [process.pid], stop: () => process.stop() };
}

function driverOf(storage: Storage) {
  if (storage.driver === 'filesystem') return { filesystem: { rootdirectory: storage.directory } };
  const { endpoint, bucket, accessKeyId, secretAccessKey } = storage;
  return {
    s3: {
      region: 'us-east-1',
      regionendpoint: endpoint,
      bucket,
      accesskey: accessKeyId,
      secretkey: secretAccessKey,
      secure: false,
      forcepathstyle: true,
    },
  };
}
