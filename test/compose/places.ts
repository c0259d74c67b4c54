/** What docker-compose.yml publishes on this machine. */
export interface Place {
  readonly name: string;
  /** For clients. */
  readonly registry: string;
  readonly operators: string;
  readonly store: string;
}

const place = (name: string, index: number): Place => ({
  name,
  registry: `localhost:${8101 + index}`,
  operators: `http://127.0.0.1:${8111 + index}`,
  store: `http://localhost:${8121 + index}`,
});

export const PRIMARY = place('eastus', 0);
/** The replica that is near to the clients of these tests, and that things happen to. */
export const NEAR = place('westeurope', 1);
export const PLACES: readonly Place[] = [PRIMARY, NEAR, place('southeastasia', 2)];

export const ROUTER = 'localhost:8100';
export const PROMETHEUS = 'http://127.0.0.1:8130';
export const PUBLISHED_PORTS: readonly number[] = [
  ...[8100, 8110, 8130, 8131],
  ...PLACES.flatMap((_, index) => [8101 + index, 8111 + index, 8121 + index]),
];

/** Every process of Meridian itself. */
export const PROCESSES: readonly string[] = [
  ...PLACES.flatMap(({ name }) => [`${name}-registry`, `${name}-replicator`]),
  'router',
];
