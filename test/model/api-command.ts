import type fc from 'fast-check';
import type { ModelClient } from './client.js';
import type { RegistryModel } from './registry-model.js';

export type ApiCommands = fc.Arbitrary<fc.AsyncCommand<RegistryModel, ModelClient>>;

/** One request, and what the model says of its answer. `describe` is what a counterexample shows. */
export class ApiCommand implements fc.AsyncCommand<RegistryModel, ModelClient> {
  constructor(
    private readonly describe: string,
    private readonly act: (model: RegistryModel, client: ModelClient) => Promise<void>,
    private readonly applies: (model: Readonly<RegistryModel>) => boolean = () => true,
  ) {}

  check(model: Readonly<RegistryModel>): boolean {
    return this.applies(model);
  }

  run(model: RegistryModel, client: ModelClient): Promise<void> {
    return this.act(model, client);
  }

  toString(): string {
    return this.describe;
  }
}

/** The sample at a place that was drawn for a list of just that length. */
export function at<T>(list: readonly T[], place: number): T {
  const found = list[place];
  if (found === undefined) throw new Error(`nothing at ${place}`);
  return found;
}
