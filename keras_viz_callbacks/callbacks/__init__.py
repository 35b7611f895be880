"""One file a callback; what they share is in base, images, layer_images and options."""
