import type { Push } from '#libs/registry';

/** Mistakes in how a push is answered. */
export const PUSH_BUGS = {
  'blind-retry': (push: Push) => replaced(push, repeating(push)),
  'tags-one-by-one': (push: Push) => replaced(push, oneByOne(push)),
  'conditions-ignored': (push: Push) => replaced(push, unconditional(push)),
} as const;

export function replaced(push: Push, manifest: Push['manifest']): Push {
  return {
    uploads: push.uploads,
    manifest,
    deleteManifest: (...request) => push.deleteManifest(...request),
    deleteBlob: (...request) => push.deleteBlob(...request),
  };
}

/** Sends again what was answered, as if it were another push. */
function repeating(push: Push): Push['manifest'] {
  return async (upload, signal) => {
    const answer = await push.manifest(upload, signal);
    return upload.tags.length === 0 ? answer : push.manifest(upload, signal);
  };
}

function oneByOne(push: Push): Push['manifest'] {
  return async ({ tags, ...upload }, signal) => {
    const answer = await push.manifest({ ...upload, tags: [] }, signal);
    for (const tag of tags) await push.manifest({ ...upload, reference: { kind: 'tag', tag }, tags: [] }, signal);
    return answer;
  };
}

function unconditional(push: Push): Push['manifest'] {
  return ({ precondition: _, ...upload }, signal) => push.manifest(upload, signal);
}
