/** What a view of the tab declares, and what it can do on the page. */

import type { LogModel } from "./log_model.js";
import type { Parameters, Values } from "./parameters.js";
import type { Playback } from "./playback.js";
import type { MeasureSelection, Selection } from "./selection.js";
import type { State, Store } from "./state.js";

/** What a view is given. */
export interface Context {
  store: Store;
  model: LogModel;
  playback: Playback;
}

/** The state that a view with parameters of its own sees. */
export type ViewState<P extends Parameters> = State & Values<P>;

/** A view on the page. */
export interface Mounted<P extends Parameters> {
  node: HTMLElement;
  /** Called after each change. */
  update(selection: Selection, state: ViewState<P>): void;
  /** Called in its place where the run has measures, but no picture that the view can show. */
  updateMeasures?(selection: MeasureSelection, state: ViewState<P>): void;
  /** Makes the picture larger by a factor. */
  zoomBy?(factor: number): void;
  /** Fits the picture into the view. */
  fit?(): void;
  /** Closes what is open in the view; false if nothing is open. */
  back?(): boolean;
  destroy?(): void;
}

/** Declaration of a view: nothing else of it is used outside its folder. */
export interface View<P extends Parameters = {}> {
  /** Its name in the address. */
  id: string;
  label: string;
  /** Key that opens it. */
  key: string;
  /** Style sheet of its own. */
  style?: URL;
  /** Parts of the address that it adds. */
  parameters: P;
  /** Message if the run has nothing that it can show. */
  missing: string;
  /** Whether it can show a series. */
  accepts(series: SeriesInfo): boolean;
  /** Whether it shows measures also where there are no pictures, by `updateMeasures`. */
  acceptsMeasures?: boolean;
  /** Pickers that the header shows for it. */
  pickers: ("name" | "layer" | "image")[];
  /** Cell of a grid that is open alone. */
  cell?(state: ViewState<P>): number | null;
  mount(context: Context): Mounted<P>;
}
