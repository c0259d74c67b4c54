import type { SnapshotImage } from '#libs/journal';
import type { Digest, RepositoryName } from '#libs/oci';

/** Characters of manifests that may be parked at once, unless told otherwise. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** Indexes whose children are not here yet. They are parked until all others of the snapshot are. */
export class ParkedImages {
  readonly #images = new Map<string, SnapshotImage>();
  #characters = 0;
  #overflowed = false;

  constructor(private readonly maxCharacters = MAX_CHARACTERS) {}

  /** Whether there were more than may be parked: those were left out, for another pass to find. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  add(image: SnapshotImage): void {
    if (this.#characters > this.maxCharacters) {
      this.#overflowed = true;
      return;
    }
    const { repository, digest, content } = image.entry;
    this.#images.set(nameOf(repository, digest), image);
    this.#characters += content.length;
  }

  /** Takes out those none of whose children is parked; what else is missing was deleted later, and nobody waits for it. */
  takeReady(): readonly SnapshotImage[] {
    const ready = [...this.#images].filter(([, { entry }]) =>
      entry.children.every((child) => !this.#images.has(nameOf(entry.repository, child))),
    );
    for (const [name] of ready) this.#images.delete(name);
    return ready.map(([, image]) => image);
  }
}

function nameOf(repository: RepositoryName, digest: Digest): string {
  return `${repository}@${digest}`;
}
