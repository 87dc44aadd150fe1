// SPDX-License-Identifier: Apache-2.0
/** What all measurements of a run share, and what a scenario has to say beside its figures. */
import type { CpuPlan } from './cpu-plan.js';

export interface Setting {
  readonly rounds: number;
  /** Of load in each round. */
  readonly seconds: number;
  readonly cpus: CpuPlan;
  /** For scripts, logs and the peers' folders; removed after the run. */
  readonly directory: string;
  /** Says what goes on now. */
  readonly progress: (text: string) => void;
}

export class ScenarioLog {
  readonly skipped: { readonly name: string; readonly why: string }[] = [];
  readonly notes: string[] = [];

  skip(name: string, why: string): void {
    this.skipped.push({ name, why });
  }

  note(text: string): void {
    this.notes.push(text);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
