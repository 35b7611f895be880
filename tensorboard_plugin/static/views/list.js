/** The views of the tab. One more view is a folder and its line here; its key gives its place. */

export { channelsView } from "./channels/channels_view.js";
export { classMapView } from "./class_map/class_map_view.js";
export { compareView } from "./compare/compare_view.js";
export { healthView } from "./health/health_view.js";
export { layersView } from "./layers/layers_view.js";
export { pictureView } from "./picture/picture_view.js";
