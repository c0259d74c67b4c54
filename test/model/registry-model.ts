import { MANIFESTS, type SampleManifest } from './samples.js';

/** What a repository is, as far as anybody can see: places in the samples. */
export class RepositoryModel {
  readonly blobs = new Set<number>();
  readonly manifests = new Set<number>();
  readonly tags = new Map<string, number>();
  /** A repository is one as soon as a manifest was pushed, and stays one. */
  isKnown = false;

  lacks({ blobs, children }: SampleManifest): boolean {
    return blobs.some((place) => !this.blobs.has(place)) || children.some((place) => !this.manifests.has(place));
  }

  push(place: number, tags: readonly string[]): void {
    this.isKnown = true;
    this.manifests.add(place);
    for (const tag of tags) this.tags.set(tag, place);
  }

  deleteManifest(place: number): void {
    this.manifests.delete(place);
    for (const [tag, target] of this.tags) if (target === place) this.tags.delete(tag);
  }

  referrersOf(subject: string | undefined): readonly SampleManifest[] {
    return MANIFESTS.filter((manifest, place) => this.manifests.has(place) && manifest.subject === subject);
  }
}

/** An upload session: how much of which blob has come, and where it goes on. */
export interface UploadModel {
  readonly repository: string;
  readonly location: URL;
  readonly blob: number;
  offset: number;
}

/** Sees what a registry must answer. It knows nothing of stores, journals and regions. */
export class RegistryModel {
  readonly repositories: ReadonlyMap<string, RepositoryModel>;
  readonly uploads: UploadModel[] = [];

  constructor(readonly names: readonly string[]) {
    this.repositories = new Map(names.map((name) => [name, new RepositoryModel()]));
  }

  get(name: string): RepositoryModel {
    const found = this.repositories.get(name);
    if (found === undefined) throw new Error(`no repository ${name}`);
    return found;
  }

  name(place: number): string {
    return this.names[place % this.names.length] ?? '';
  }
}
