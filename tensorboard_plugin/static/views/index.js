/** The views in the order of their keys; the first one opens the tab. */

import * as list from "./list.js";

/** @import { View } from "../core/view.js" */

/** @type {View<any>[]} */
const views = Object.values(list);

export const VIEWS = views.sort((a, b) => (a.key < b.key ? -1 : 1));
