// SPDX-License-Identifier: Apache-2.0
/** A process of its own for the engine's rows, so that nothing else of the suite is in its heap: prints one line of JSON. */
import { measureRouter } from '../engine/router.js';
import { measureReload } from '../gate/reload.js';
import type { EngineFigures } from './engine-figures.js';

const figures: EngineFigures = { router: await measureRouter(), reload: await measureReload() };
console.log(JSON.stringify(figures));
