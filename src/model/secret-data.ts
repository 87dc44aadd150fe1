// SPDX-License-Identifier: Apache-2.0
/** A Secret that the filter chains of a model name. It is kept apart from the model, which is printed. */
import type { Origin } from './model.js';

export interface SecretData {
  readonly namespace: string;
  readonly name: string;
  /** PEM texts and others by their key, such as `tls.crt`, and where each was written down. */
  readonly entries: Readonly<Record<string, { readonly text: string; readonly origin: Origin }>>;
}
