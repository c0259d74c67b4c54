import { describePeerClient, MemoryPeerClient } from './testing/index.js';

describePeerClient('in memory', async (region) => {
  const client = new MemoryPeerClient(region);
  const cut = async () => {
    client.reachable = false;
  };
  return { client, cut, close: cut };
});
