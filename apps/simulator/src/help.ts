import { DEFAULT_PORT_BASE, DEFAULT_REGIONS, MAX_REGIONS, MIN_REGIONS } from './arguments.js';

export const HELP = `Meridian: a registry in several regions, on this machine.

Starts every region with its own processes, Redis and bucket, a router in front, and between the regions a simulated
wide-area network. Pushes a sample image, waits until it is everywhere, pulls it in each region, prints what that took,
and stays up until Ctrl-C. The data stays.

  npm start -- [options]

  --once              end after the table, with exit code 0
  --regions a,b,...   ${MIN_REGIONS} to ${MAX_REGIONS} names; the first is the primary     (${DEFAULT_REGIONS})
  --data DIR          where everything is kept                       (.meridian)
  --fresh             forget what is kept there, first
  --port-base N       the router's port; the others follow it        (${DEFAULT_PORT_BASE})
  --storage KIND      filesystem or s3                               (filesystem)
  --s3-endpoint URL   once for all regions or once per region. The buckets meridian-<region> must exist; the key comes
                      from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Without it, a MinIO is started per region.
  --s3-region NAME    the region that requests to S3 are signed for  (us-east-1)
  --wan FILE          round-trip times and bandwidths, in the form of apps/simulator/wan.json
  --image-mib N       size of the sample image in MiB                (24)
  --json              with --once: the table as JSON on standard output, everything else on standard error
  --no-demo           only start, and stay up
  --help              this

Examples
  npm start                                              three regions, the demo, and they stay up
  npm start -- --once                                    the demo alone
  npm start -- --regions here,there --port-base 6100     two regions of your own, on other ports
  npm start -- --storage s3                              with MinIO as the buckets
`;
