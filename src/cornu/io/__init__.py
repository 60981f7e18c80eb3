"""Files: atomic writes, downloads with checksums, the dataset cache and archives."""
