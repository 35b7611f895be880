"""A small one-stage detector in the manner of YOLO; `examples/detector.py` trains it.

Redmon, Divvala, Girshick, Farhadi 2016, "You Only Look Once: Unified, Real-Time Object
Detection". The image is divided into a grid; the cell that holds the middle of an object is
responsible for it. One output, (batch, row, column, 5 + class), tells of each cell the box, how
sure it is that there is one, and the class.
"""
