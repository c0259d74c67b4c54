/** What a process of Meridian is started with in its image (deploy/docker/Dockerfile): figures of memory are those of operators. */
export const AS_THE_IMAGE_HAS_IT = {
  UV_THREADPOOL_SIZE: '16',
  MALLOC_ARENA_MAX: '2',
  NODE_OPTIONS: '--max-semi-space-size=4',
} as const;
