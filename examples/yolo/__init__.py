"""A small one-stage detector similar to YOLO; `examples/detector.py` trains it.

Redmon, Divvala, Girshick, Farhadi 2016, "You Only Look Once: Unified, Real-Time Object
Detection". The image is divided into a grid; the cell that holds the middle of an object is
responsible for it. The output, (batch, row, column, 5 + class), has for each cell a box, the
probability that it holds an object, and the class.
"""
