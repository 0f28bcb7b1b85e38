"""Stability statistics, flags, ranking, diagnosis and the HTML report. Knows no TensorFlow and no Ray."""
