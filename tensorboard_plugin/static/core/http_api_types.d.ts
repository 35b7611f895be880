/** The shapes of HTTP_API.md, seen from the browser. */

/** What a picture is. */
type Kind = "channels" | "patterns" | "evidence" | "image";

/** A callback that drew pictures. */
interface NameInfo {
  name: string;
  kind: Kind;
  title: string;
  item: string | null;
}

/** A number that callbacks report. */
interface MeasureInfo {
  measure: string;
  of: "layer" | "picture";
  names: string[];
}

interface Indexing {
  done: number;
  total: number;
}

interface RunSummary {
  run: string;
  name: string;
  training: number;
  token: string;
  pictures: number;
  steps: number;
  first_step: number | null;
  last_step: number | null;
  last_wall_time: number | null;
  names: NameInfo[];
  indexing: Indexing;
  problems: number;
}

interface RunsReply {
  version: number;
  token: string;
  log_directories: string[];
  indexing: Indexing;
  runs: RunSummary[];
}

interface LayerInfo {
  path: string;
  class_name: string;
  index: number;
  shape: number[];
  channels: number | null;
}

interface ImageInfo {
  name: string;
  index: number;
  label: { index: number; name: string } | null;
  tag: string | null;
  step: number | null;
  v: string | null;
}

interface SeriesInfo {
  tag: string;
  name: string;
  kind: Kind;
  item: string | null;
  layer: number | null;
  image: number | null;
  step_list: number;
  width: number;
  height: number;
  grid: boolean;
  heat_map: boolean;
  levels: boolean;
}

interface Problem {
  file: string;
  offset: number | null;
  kind: string;
  message: string;
}

interface RunReply {
  version: number;
  run: string;
  name: string;
  training: number;
  token: string;
  indexing: Indexing;
  steps: { step: number[]; epoch: number[]; batch: number[]; wall_time: number[]; v: string[] };
  names: NameInfo[];
  measures: MeasureInfo[];
  layers: LayerInfo[];
  images: ImageInfo[];
  step_lists: number[][];
  series: SeriesInfo[];
  problems: Problem[];
}

interface SeriesColumns {
  tag: string;
  step: number[];
  measures: { [measure: string]: (number | null)[] };
  layer_measures?: { [measure: string]: (number | null)[] };
  blank: boolean[] | null;
  label: number | null;
  prediction: (number | null)[] | null;
  label_probability: (number | null)[] | null;
  prediction_probability: (number | null)[] | null;
  target: (number | null)[] | null;
}

interface SeriesReply {
  token: string;
  classes: { [index: string]: string };
  series: SeriesColumns[];
}

interface HealthReply {
  token: string;
  measure: string;
  name: string;
  image: string | null;
  step: number[];
  layers: number[];
  tags: (string | null)[];
  values: (number | null)[][];
  pending: number;
}

interface MetricsReply {
  token: string;
  step: number[];
  metrics: { [name: string]: (number | null)[] };
}

interface ChannelReply {
  token: string;
  item: number;
  step: number[];
  minimum: (number | null)[] | null;
  maximum: (number | null)[] | null;
  mean: (number | null)[] | null;
  std: (number | null)[] | null;
  start: (number | null)[] | null;
}

interface ClassScore {
  index: number;
  name: string;
  probability: number | null;
}

interface GridGeometry {
  columns: number;
  rows: number;
  cell_width: number;
  cell_height: number;
  gap: number;
  items: number[];
}

interface PictureRecord {
  name: string;
  kind: Kind;
  title: string;
  item: string | null;
  tag: string;
  width: number;
  height: number;
  epoch: number;
  batch: number;
  layer: { path: string; class_name: string; index: number; shape: number[] } | null;
  image_name: string | null;
  image_index: number | null;
  label: ClassScore | null;
  prediction: ClassScore | null;
  target: ClassScore | null;
  grid: GridGeometry | null;
  value_range: [number, number] | null;
  scale: string | null;
  colormap: string | null;
  channels: number | null;
  measures: { [measure: string]: number | null };
  statistics: {
    minimum: (number | null)[];
    maximum: (number | null)[];
    mean: (number | null)[];
    std: (number | null)[];
    start: (number | null)[];
  } | null;
  blank: boolean;
  map_shape: [number, number] | null;
  note: string | null;
  metrics: { [name: string]: number | null };
}

interface RecordReply {
  run: string;
  tag: string;
  step: number;
  v: string;
  wall_time: number;
  file_name: string;
  picture: { bytes: number; content_type: string };
  heat_map: boolean;
  record: PictureRecord | null;
}
