"""From a question about a model to maps, in as many passes as it takes.

Used by the callbacks and by the functions.

Each question is an object that is made once, which checks it and compiles its passes. Its
`capture` runs the device work, on the training thread, and returns a function that finishes the
maps in NumPy, on any thread.
"""
