"""Networks: building, freezing, BatchNorm, preprocessing, weights and export; import from the modules, of which `compile_key` needs no TensorFlow."""
