import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canInstallPackages, installPackage } from '../../../../scripts/lib/apt.mjs';
import { freePort } from '../../../support/ports.js';
import { TestProcess } from '../../../support/process.js';
import { type RunningServer, writeSettings } from './settings.js';

const PROGRAM = '/usr/sbin/nginx';

/** nginx as a file server that takes PUT: no hash, no sync, sendfile. One worker, so that one process is measured. */
export async function startNginx(directory: string): Promise<RunningServer> {
  installNginx();
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  await mkdir(join(directory, 'root', 'store'), { recursive: true });
  const file = await writeSettings(directory, 'nginx.conf', settings(directory, port));
  const process = await TestProcess.start({
    name: 'nginx',
    command: PROGRAM,
    args: ['-p', directory, '-c', file, '-e', join(directory, 'error.log')],
    isReady: async () => (await fetch(origin)).status > 0,
  });
  return { origins: [origin], pids: [process.pid], stop: () => process.stop() };
}

const settings = (directory: string, port: number) => `
daemon off; master_process off; pid ${directory}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 1000000; client_max_body_size 0;
  client_body_temp_path ${directory}/root/temp;
  proxy_temp_path ${directory}/p; fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
  server { listen 127.0.0.1:${port}; root ${directory}/root; location / { dav_methods PUT; } }
}`;

function installNginx(): void {
  if (existsSync(PROGRAM)) return;
  if (!canInstallPackages()) throw new Error('nginx is not installed');
  const problem = installPackage('nginx-light');
  if (problem !== undefined) throw new Error(`nginx could not be installed: ${problem}`);
}
