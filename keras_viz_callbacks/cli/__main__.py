"""``python -m keras_viz_callbacks.cli``, if the command itself is not on the PATH."""

from keras_viz_callbacks.cli import main

raise SystemExit(main())
